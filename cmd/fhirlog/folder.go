package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/oklog/ulid/v2"

	"fhirlog/cmd/fhirlog/internal/keysource"
	"fhirlog/domain/definitions"
	"fhirlog/eventlog/keyring"
	"fhirlog/replay/backup"
)

// folderFormat is the version of the data folder's layout:
//
//	fhirlog.json   what the folder is: this format, FHIR version, identity
//	log/           the segments: the truth
//	keyring        if everything is encrypted: the keys; see keyring
//	projections/   derived from the log; may be deleted while nobody serves it
//	compacting     there while a compaction has not come to its end
//	restoring      there while a restore has not come to its end
//	ancestor/      in a fork: what proves which log it was forked from; see backup
//	proof/         the tree over the log, the key and all signed checkpoints; see notary
const folderFormat = 1

// folder is a data folder and what its description says.
type folder struct {
	path        string
	FHIRVersion definitions.Version `json:"fhirVersion"`
	Format      int                 `json:"format"`
	Identity    string              `json:"identity"` // of the log; a copy keeps it
	Fork        *fork               `json:"fork,omitempty"`

	// Of unlock:
	keys     *keyring.Ring       // nil if the folder is not encrypted
	operator *keysource.Operator // whose key opens them; nil if there are none
	encrypts bool                // the keyring was made just now
}

func (f *folder) log() string         { return filepath.Join(f.path, "log") }
func (f *folder) projections() string { return filepath.Join(f.path, "projections") }

const descriptionFile = "fhirlog.json"

// openFolder reads the description of a data folder. If there is none, wanted
// says for which FHIR version to make one, and "" refuses.
func openFolder(path string, wanted definitions.Version) (*folder, error) {
	if _, err := os.Stat(filepath.Join(path, backup.RestoringFile)); err == nil {
		return nil, fmt.Errorf("%s was not restored to the end: run `fhirlog restore` again, it begins anew", path)
	}
	text, err := os.ReadFile(filepath.Join(path, descriptionFile))
	if errors.Is(err, fs.ErrNotExist) {
		return newFolder(path, wanted)
	}
	if err != nil {
		return nil, err
	}
	f := &folder{path: path}
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("%s is not readable: %w", filepath.Join(path, descriptionFile), err)
	}
	if f.Format != folderFormat {
		return nil, fmt.Errorf("%s has format %d; this fhirlog reads format %d", path, f.Format, folderFormat)
	}
	if wanted != "" && wanted != f.FHIRVersion {
		return nil, fmt.Errorf("%s holds FHIR %s and cannot be served as %s: choose another --data, or leave --fhir-version out", path, f.FHIRVersion, wanted)
	}
	return f, nil
}

func newFolder(path string, v definitions.Version) (*folder, error) {
	if v == "" {
		return nil, fmt.Errorf("%s is no data folder of fhirlog: it has no %s", path, descriptionFile)
	}
	if _, err := os.Stat(filepath.Join(path, "log")); err == nil {
		return nil, fmt.Errorf("%s has a log but no %s; restore that file from a backup, it says which FHIR version the log holds", path, descriptionFile)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	f := &folder{path: path, FHIRVersion: v, Format: folderFormat, Identity: ulid.Make().String()}
	return f, f.save()
}

// save writes the description so that it is there entirely or not at all.
func (f *folder) save() error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	target := filepath.Join(f.path, descriptionFile)
	temporary, err := os.Create(target + ".new")
	if err != nil {
		return err
	}
	_, err = temporary.Write(append(text, '\n'))
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), target); err != nil {
		return err
	}
	return f.sync()
}
