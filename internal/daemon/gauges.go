package daemon

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"boxcar/internal/meta"
	"boxcar/internal/metrics"
)

// gauges are what metrics ask for at each scrape.
func (d *Daemon) gauges(m *metrics.Metrics) {
	m.Read("boxcar_http_connections", "Connections that are open.", func() float64 { return float64(d.connections.count()) })
	m.Count("boxcar_http_connections_refused_total", "Connections that were closed since there were too many.", func() float64 { return float64(d.connections.refused.Load()) })
	load := d.upload.Load
	m.Read("boxcar_upload_bodies_in_flight", "Bodies of parts and simple uploads that are being taken in.", func() float64 { return float64(load().Bodies) })
	m.Read("boxcar_upload_bodies_waiting", "Bodies that wait for a place.", func() float64 { return float64(load().Waiting) })
	m.Read("boxcar_upload_places", "Bodies that can be taken in at once.", func() float64 { return float64(load().Places) })

	all := &tally{rows: d.rows, log: func(err error) { d.cfg.Log.Error("adding up for metrics", "error", err) }}
	sum := func(name, help string, value func(sums) int64) {
		m.Read(name, help, func() float64 {
			t, ok := all.get()
			if !ok {
				return math.NaN()
			}
			return float64(value(t))
		})
	}
	sum("boxcar_upload_sessions_open", "Upload sessions that are open or committing.", func(t sums) int64 { return t.Sessions })
	sum("boxcar_upload_reserved_bytes", "Bytes that open sessions were promised.", func(t sums) int64 { return t.Reserved })
	sum("boxcar_scrub_rotten_blobs", "Blobs that were found damaged, by scrubbing or otherwise.", func(t sums) int64 { return t.rotten })
	m.Read("boxcar_backup_last_success_timestamp_seconds", "When the last backup was made; not a number if there is none.", func() float64 {
		t, _ := all.get()
		return metrics.Timestamp(t.backup)
	})
	sum("boxcar_users", "Users who were not deleted.", func(t sums) int64 { return t.Users })
	sum("boxcar_users_without_quota", "Of these, those who may store without a limit.", func(t sums) int64 { return t.Unlimited })
	sum("boxcar_users_used_bytes", "Bytes of all versions of all files.", func(t sums) int64 { return t.Used })
	sum("boxcar_users_quota_bytes", "Sum of the quotas of those who have one.", func(t sums) int64 { return t.Quota })

	pass := d.sweep.Pass
	m.Read("boxcar_scrub_rate_bytes", "Bytes a second that scrubbing may read; 0 if it is off.", func() float64 { return float64(d.cfg.ScrubRate) })
	m.Read("boxcar_scrub_progress_ratio", "How much of the pass over all blobs is done, from 0 to 1.", func() float64 { return pass().Done() })
	m.Read("boxcar_scrub_pass_began_timestamp_seconds", "When the pass began that is at work, or was the last.", func() float64 { return metrics.Timestamp(pass().Began) })
	m.Read("boxcar_scrub_last_pass_timestamp_seconds", "When the last pass ended that read all blobs.", func() float64 { return metrics.Timestamp(pass().Ended) })

	database := filepath.Join(d.cfg.Data, databaseFile)
	m.Read("boxcar_db_file_bytes", "Size of the database.", func() float64 { return fileSize(database) })
	m.Read("boxcar_db_wal_bytes", "Size of its write-ahead log.", func() float64 { return fileSize(database + "-wal") })
	m.Read("boxcar_disk_free_bytes", "What boxcar may still use of the file system that its data is on.", func() float64 {
		free, _ := room(d.cfg.Data)
		return free
	})
	m.Read("boxcar_disk_size_bytes", "Size of that file system.", func() float64 {
		_, size := room(d.cfg.Data)
		return size
	})
	if d.tls != nil {
		m.Read("boxcar_tls_certificate_expiry_timestamp_seconds", "When the first of the certificates in use is over.", func() float64 {
			return metrics.Timestamp(d.certificates.until())
		})
	}
}

func fileSize(path string) float64 {
	fi, err := os.Stat(path)
	if err != nil {
		return math.NaN()
	}
	return float64(fi.Size())
}

// tally keeps sums for a while: several gauges and several who scrape share them.
type tally struct {
	rows meta.Store
	log  func(error)

	mu    sync.Mutex
	at    time.Time
	known bool
	sums  sums
}

type sums struct {
	meta.Tally
	rotten int64
	backup time.Time
}

const tallyLife = 10 * time.Second

func (t *tally) get() (sums, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.at.IsZero() && time.Since(t.at) < tallyLife {
		return t.sums, t.known
	}
	ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	err := t.rows.View(ctx, func(tx meta.Tx) (err error) {
		if t.sums.Tally, err = tx.Tally(); err == nil {
			t.sums.rotten, err = tx.CountRotten()
		}
		if err == nil {
			t.sums.backup, err = lastBackup(tx)
		}
		return err
	})
	if err != nil {
		t.log(err)
	}
	t.known, t.at = err == nil, time.Now()
	return t.sums, t.known
}
