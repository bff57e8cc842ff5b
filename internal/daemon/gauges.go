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
	load := d.upload.Load
	m.Read("boxcar_upload_bodies_in_flight", "Bodies of parts and simple uploads that are being taken in.", func() float64 { return float64(load().Bodies) })
	m.Read("boxcar_upload_bodies_waiting", "Bodies that wait for a place.", func() float64 { return float64(load().Waiting) })
	m.Read("boxcar_upload_places", "Bodies that can be taken in at once.", func() float64 { return float64(load().Places) })

	sums := &tally{rows: d.rows, log: func(err error) { d.cfg.Log.Error("adding up for metrics", "error", err) }}
	sum := func(name, help string, value func(meta.Tally) int64) {
		m.Read(name, help, func() float64 {
			t, ok := sums.get()
			if !ok {
				return math.NaN()
			}
			return float64(value(t))
		})
	}
	sum("boxcar_upload_sessions_open", "Upload sessions that are open or committing.", func(t meta.Tally) int64 { return t.Sessions })
	sum("boxcar_upload_reserved_bytes", "Bytes that open sessions were promised.", func(t meta.Tally) int64 { return t.Reserved })
	sum("boxcar_users", "Users who were not deleted.", func(t meta.Tally) int64 { return t.Users })
	sum("boxcar_users_without_quota", "Of these, those who may store without a limit.", func(t meta.Tally) int64 { return t.Unlimited })
	sum("boxcar_users_used_bytes", "Bytes of all versions of all files.", func(t meta.Tally) int64 { return t.Used })
	sum("boxcar_users_quota_bytes", "Sum of the quotas of those who have one.", func(t meta.Tally) int64 { return t.Quota })

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
	sums  meta.Tally
}

const tallyLife = 10 * time.Second

func (t *tally) get() (meta.Tally, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.at.IsZero() && time.Since(t.at) < tallyLife {
		return t.sums, t.known
	}
	ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	err := t.rows.View(ctx, func(tx meta.Tx) (err error) {
		t.sums, err = tx.Tally()
		return err
	})
	if err != nil {
		t.log(err)
	}
	t.known, t.at = err == nil, time.Now()
	return t.sums, t.known
}
