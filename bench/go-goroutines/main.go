// Command go-goroutines decodes one goroutine dump with a Go library and says what that cost, as a line of
// JSON: the peers of the bench ../src/goroutines.ts.
//
//	go-goroutines panicparse|gostackparse FILE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/DataDog/gostackparse"
	"github.com/maruel/panicparse/v2/stack"
)

type result struct {
	Goroutines   int     `json:"goroutines"`
	Stacks       int     `json:"stacks"`
	ParseSeconds float64 `json:"parseSeconds"`
	Seconds      float64 `json:"seconds"`
	CPUSeconds   float64 `json:"cpuSeconds"`
	PeakBytes    int64   `json:"peakBytes"`
}

var start = time.Now()

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: go-goroutines panicparse|gostackparse FILE"))
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		fail(err)
	}
	defer file.Close()
	var found result
	switch os.Args[1] {
	case "panicparse":
		found, err = withPanicparse(file)
	case "gostackparse":
		found, err = withGostackparse(file)
	default:
		err = fmt.Errorf("no library %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
	found.Seconds = time.Since(start).Seconds()
	found.PeakBytes = peakBytes()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		found.CPUSeconds = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

// withPanicparse also groups equal stacks, as the decoder it is measured beside does; it looks at no source
// files and guesses no paths.
func withPanicparse(r io.Reader) (result, error) {
	opts := stack.DefaultOpts()
	opts.NameArguments = false
	opts.GuessPaths = false
	opts.AnalyzeSources = false
	snapshot, _, err := stack.ScanSnapshot(r, io.Discard, opts)
	if err != nil && err != io.EOF {
		return result{}, err
	}
	if snapshot == nil {
		return result{}, fmt.Errorf("panicparse found no goroutine")
	}
	found := result{Goroutines: len(snapshot.Goroutines), ParseSeconds: time.Since(start).Seconds()}
	found.Stacks = len(snapshot.Aggregate(stack.AnyValue).Buckets)
	return found, nil
}

// withGostackparse does not group: the library does not either.
func withGostackparse(r io.Reader) (result, error) {
	goroutines, errs := gostackparse.Parse(r)
	if len(errs) > 0 {
		return result{}, errs[0]
	}
	return result{Goroutines: len(goroutines), ParseSeconds: time.Since(start).Seconds()}, nil
}

func peakBytes() int64 {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib * 1024
		}
	}
	return 0
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
