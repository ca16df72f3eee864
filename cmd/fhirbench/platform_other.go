//go:build !linux

package main

import (
	"io/fs"
	"os"
	"time"
)

// allocatedBytes is the length here: only Linux is asked for blocks.
func allocatedBytes(info fs.FileInfo) int64 { return info.Size() }

// syncData makes a file durable.
func syncData(f *os.File) error { return f.Sync() }

// ownCPU is unknown here.
func ownCPU() time.Duration { return 0 }
