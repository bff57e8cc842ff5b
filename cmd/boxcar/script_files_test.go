package main_test

import (
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

func cmdRandom(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "random FILE BYTES")
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(randomFile(ts.MkAbs(args[0]), args[0], n))
}

// randomFile writes bytes that follow from a seed.
func randomFile(path, seed string, n int64) error {
	h := fnv.New64()
	io.WriteString(h, seed)
	var key [32]byte
	h.Sum(key[:0])
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(f, rand.NewChaCha8(key), n)
	return err
}

func cmdUse(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "use")
	ts.Setenv("BOXCAR_URL", ts.Getenv("URL"))
	ts.Setenv("BOXCAR_TOKEN", ts.Getenv("TOKEN"))
	ts.Setenv("XDG_STATE_HOME", ts.MkAbs("state"))
	ts.Setenv("XDG_CONFIG_HOME", ts.MkAbs("config"))
}
