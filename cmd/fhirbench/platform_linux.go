package main

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// allocatedBytes is what a file takes on disk, in whole blocks.
func allocatedBytes(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}

// syncData makes a file's content durable, its times not necessarily.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// ownCPU is the processor time this program has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
