package main

import (
	"fmt"
	"io"
)

// ask is a figure that is wanted, of one contestant by itself or beside another
// of the same contest.
type ask struct {
	contest, who string
	figure       figure
	beside       string // the other contestant; empty for the figure itself
	most         bool   // the limit is an upper one
	limit        float64
}

// asked is all that is, of a run with commits of these sizes.
func asked(commitSizes []int64) []ask {
	asks := []ask{
		{oneFile4, "boxcar", rate, "floor", false, 0.70},
		{oneFile4, "boxcar", cpu, "floor", true, 2.5},
		{oneFile4, "boxcar", rate, "floor+2sha", false, 1.4},
		{oneFile4, "boxcar", cpu, "floor+2sha", true, 0.55},
		{oneFile4, "boxcar", rate, "minio", false, 2.2},
		{oneFile4, "boxcar", cpu, "minio", true, 0.35},
		{fourFiles, "boxcar", rate, "floor", false, 0.65},
		{fourFiles, "boxcar", cpu, "floor", true, 2.3},
		{randomOrder, atRandom, lastPart, inOrder, false, 0.8},
		{slowBeside, slowCrowd, rate, slowAlone, false, 0.8},
		{slowBeside, slowCrowd, peak, "", true, 300},
		{bigParts, "boxcar", peak, "", true, 128},
		{oneFile1, "boxcar", commit, "", true, 50},
		{oneFile4, "boxcar", commit, "", true, 50},
		{oneFile16, "boxcar", commit, "", true, 50},
	}
	for _, size := range commitSizes {
		asks = append(asks, ask{commits, commitRow(size), commit, "", true, 50})
	}
	return append(asks,
		ask{smallUploads, "boxcar", perSecond, "minio", false, 3},
		ask{smallUploads, "boxcar", perSecond, "floor", false, 0.6},
		ask{createSessions, "boxcar", perSecond, "minio", false, 1},
		ask{readSessions, "boxcar", perSecond, "minio", false, 4},
		ask{downloadOne.String(), "boxcar", rate, "nginx", false, 0.9},
		ask{downloadFour.String(), "boxcar", rate, "nginx", false, 0.9},
		ask{clientsFar, nodeSDK10, seconds, boxcarUp, false, 3},
		ask{clientsFar, nodeSDK3, seconds, boxcarUp, false, 1},
		ask{clientsFar, rclone, seconds, boxcarUp, false, 1},
		ask{clientsFar, rcloneHTTP1, seconds, boxcarUp, false, 1},
		ask{clientsNear, nodeSDK10, seconds, boxcarUp, false, 1},
		ask{clientsNear, nodeSDK3, seconds, boxcarUp, false, 1},
		ask{clientsNear, rclone, seconds, boxcarUp, false, 1},
		ask{clientsNear, rcloneHTTP1, seconds, boxcarUp, false, 1},
		ask{foldersNear, rclone, seconds, boxcarUp, false, 1},
		ask{foldersNear, rcloneHTTP1, seconds, boxcarUp, false, 1},
		ask{foldersFar, rclone, seconds, boxcarUp, false, 1},
		ask{foldersFar, rcloneHTTP1, seconds, boxcarUp, false, 1},
	)
}

func (a ask) String() string {
	than := "at least"
	if a.most {
		than = "at most"
	}
	if a.beside == "" {
		return fmt.Sprintf("%s %s", than, short(a.limit))
	}
	return fmt.Sprintf("%s %s x %s", than, short(a.limit), a.beside)
}

// of is what was reached. Without runs of both it is the zero spread.
func (a ask) of(got map[string]outcome) spread {
	rs := got[a.contest][a.who]
	if a.beside == "" {
		return rs.of(a.figure)
	}
	return rs.over(got[a.contest][a.beside], a.figure)
}

// met compares the median.
func (a ask) met(s spread) bool {
	if a.most {
		return s.median <= a.limit
	}
	return s.median >= a.limit
}

// writeAsked says of each ask what was reached.
func writeAsked(w io.Writer, asks []ask, got map[string]outcome) {
	var rows [][]string
	for _, a := range asks {
		s := a.of(got)
		verdict := "MISSED"
		switch {
		case s.n == 0:
			verdict = "not measured"
		case a.met(s):
			verdict = "reached"
		}
		rows = append(rows, []string{a.contest, a.who, string(a.figure), a.String(), s.String(), verdict})
	}
	writeTable(w, []string{"load", "server", "figure", "asked", "median (least..most)", ""}, rows)
}
