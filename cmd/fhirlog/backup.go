package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"fhirlog/eventlog"
	"fhirlog/eventlog/merkle"
	"fhirlog/replay/backup"
)

// backupCommand is `fhirlog backup`.
type backupCommand struct {
	Run    backupRunCommand    `cmd:"" default:"withargs" help:"Make a backup, or bring one up to date; the default."`
	List   backupListCommand   `cmd:"" help:"Tell what is in a backup, and of its latest runs."`
	Verify backupVerifyCommand `cmd:"" help:"Read all of a backup and verify it."`
}

// Help says what a backup is.
func (c *backupCommand) Help() string {
	return `Copies what is new since the last run, and verifies it: frames, hashes, chain, and once more what is read back from the target. The log has one past, so one backup holds all moments: restore it --until any of them. What was erased by name leaves the backup with the first run after the compaction; give each log a target of its own, and do not keep former versions of objects there (versioning, object lock), or erased contents stay in them.

The target is a folder, or s3://bucket/folder with the parameters endpoint and region: s3://backups/fhir?endpoint=https://minio.example.org:9000. Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from ~/.aws/credentials, or from the machine's role. Objects hold patients' data as the data folder does: encrypted, if that is, and under the same key (fhirlog key --help), else in plain.

    fhirlog backup --data ./data --to /mnt/backup/fhir
    fhirlog backup verify /mnt/backup/fhir
    fhirlog restore --from /mnt/backup/fhir --data ./restored

All flags: fhirlog backup run --help.`
}

// backupRunCommand is `fhirlog backup run`.
type backupRunCommand struct {
	Data    string `default:"./data" env:"FHIRLOG_DATA" help:"Data folder; a server may be running on it. Nothing in it is changed."`
	To      string `required:"" placeholder:"TARGET" help:"Folder, or s3://bucket/folder."`
	DryRun  bool   `help:"Only tell what would be copied."`
	WithKey bool   `help:"Copy the private key that signs checkpoints as well: a restored server then goes on signing without being given it, and so can everybody who reads the backup. A later run without this flag deletes it."`
	encryptionFlags
}

// Run makes a backup.
func (c *backupRunCommand) Run(ctx context.Context) error {
	f, err := openFolder(c.Data, "")
	if err == nil {
		err = f.unlock(ctx, c.encryptionFlags, toRead) // before the target is touched
	}
	if err != nil {
		return err
	}
	if err := apart(c.Data, c.To); err != nil {
		return err
	}
	target, closeTarget, err := openTarget(c.To, !c.DryRun)
	if err != nil {
		return err
	}
	began := time.Now()
	report, err := backup.Run(ctx,
		backup.Source{Dir: f.path, Identity: f.Identity, Log: dictionaryOptions(), OpenKeys: c.openKeys(ctx, f), WithKey: c.WithKey}, target,
		backup.Options{DryRun: c.DryRun, Program: "fhirlog " + version, Progress: bytesProgress("backing up")})
	if err := errors.Join(err, closeTarget()); err != nil {
		return explainDamage(err)
	}
	printReport(&report, c, time.Since(began))
	return nil
}

func printReport(r *backup.Report, c *backupRunCommand, elapsed time.Duration) {
	m := &r.Manifest
	copied := fmt.Sprintf("%d objects, %s, copied in %v and read back", r.Objects, humanize.Bytes(uint64(r.Bytes)), elapsed.Round(time.Millisecond))
	if c.DryRun {
		copied = fmt.Sprintf("%d objects, %s, would be copied", r.Objects, humanize.Bytes(uint64(r.Bytes)))
	}
	kind := "more of what is there"
	if r.First {
		kind = "the first one there"
	}
	fmt.Printf("run      %d to %s: %s\n", m.Run, c.To, kind)
	fmt.Printf("log      %d records in %d segments, up to %s; %d of the segments read and verified\n", m.Records, len(m.Segments), instantOf(m), r.Segments)
	fmt.Printf("signed   %d records, by the last checkpoint\n", m.Signed)
	fmt.Printf("copied   %s\n", copied)
	if r.Replaced > 0 {
		fmt.Printf("erased   %d segments were compacted since the last run; their former copies are deleted\n", r.Replaced)
	}
	if r.Deleted > 0 {
		fmt.Printf("deleted  %d objects that are not needed any more\n", r.Deleted)
	}
	for _, object := range r.Damaged {
		fmt.Printf("damaged  %s was damaged or missing at the target, and has been replaced\n", object)
	}
}

func instantOf(m *backup.Manifest) string { return merkle.TimeText(m.Last().Instant) }

// apart refuses a target that is the data folder, or has it in it, or is in it.
func apart(data, target string) error {
	if strings.HasPrefix(target, s3Scheme) {
		return nil
	}
	a, err := resolved(data)
	if err != nil {
		return err
	}
	b, err := resolved(target)
	if err != nil {
		return err
	}
	if within := a + string(filepath.Separator); a == b || strings.HasPrefix(b, within) || strings.HasPrefix(a, b+string(filepath.Separator)) {
		return fmt.Errorf("%s and %s are not apart: a backup belongs on another disk", data, target)
	}
	return nil
}

// resolved is a path without links, as far as there is one.
func resolved(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for at := absolute; ; at = filepath.Dir(at) {
		found, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(found, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return "", err
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// openTarget opens a folder, or a bucket.
func openTarget(name string, write bool) (backup.Target, func() error, error) {
	nothing := func() error { return nil }
	if strings.HasPrefix(name, s3Scheme) {
		target, err := openBucket(name)
		return target, nothing, err
	}
	if scheme, _, ok := strings.Cut(name, "://"); ok {
		return nil, nil, fmt.Errorf("%s:// is no target that fhirlog knows: give a folder, or s3://bucket/folder", scheme)
	}
	if !write {
		return backup.OpenFolder(eventlog.Disk(), name), nothing, nil
	}
	target, err := backup.OpenFolderToWrite(eventlog.Disk(), name)
	if errors.Is(err, eventlog.ErrLocked) {
		return nil, nil, fmt.Errorf("another run is backing up to %s: wait until it has ended", name)
	}
	if err != nil {
		return nil, nil, err
	}
	return target, target.Close, nil
}

// openBackup opens the newest backup at a target to read it.
func openBackup(ctx context.Context, name string) (*backup.Stored, error) {
	target, _, err := openTarget(name, false)
	if err != nil {
		return nil, err
	}
	stored, err := backup.Open(ctx, target)
	if errors.Is(err, backup.ErrNoBackup) {
		return nil, fmt.Errorf("there is no backup at %s", name)
	}
	if err != nil {
		return nil, explainDamage(err)
	}
	for _, object := range stored.Damaged {
		fmt.Fprintf(os.Stderr, "fhirlog: %s is damaged; there is another copy, and the next run replaces it\n", object)
	}
	return stored, nil
}

// explainDamage says what to do about damage.
func explainDamage(err error) error {
	if damage, ok := errors.AsType[*backup.DamagedError](err); ok {
		return fmt.Errorf("%w\nDelete %s at the target, and run `fhirlog backup` again: it is copied from the log once more, as long as there is the log", err, damage.Object)
	}
	return err
}

// backupListCommand is `fhirlog backup list`.
type backupListCommand struct {
	Target string `arg:"" help:"Folder, or s3://bucket/folder."`
}

// Run lists.
func (c *backupListCommand) Run(ctx context.Context) error {
	s, err := openBackup(ctx, c.Target)
	if err != nil {
		return err
	}
	fmt.Printf("log      %s, %d records in %d segments, %s, up to %s\n", s.Identity, s.Records, len(s.Segments), humanize.Bytes(uint64(s.Bytes())), instantOf(&s.Manifest))
	fmt.Printf("signed   %d records\n", s.Signed)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUN\tENDED\tRECORDS\tUP TO\tCOPIED\tDELETED")
	for _, r := range s.Runs {
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%s\t%d\n", r.Run, r.Ended.Format(time.RFC3339), r.Records, merkle.TimeText(r.Instant), humanize.Bytes(uint64(r.Copied)), r.Deleted)
	}
	return table.Flush()
}

// backupVerifyCommand is `fhirlog backup verify`.
type backupVerifyCommand struct {
	Target string `arg:"" help:"Folder, or s3://bucket/folder."`
	encryptionFlags
	Key string `placeholder:"KEY" help:"Public key of the log, or a file with it, as you got it from elsewhere. Without it the backup's own is taken, which proves only that the backup agrees with itself."`
}

// Run verifies.
func (c *backupVerifyCommand) Run(ctx context.Context) error {
	key, err := readKey(c.Key)
	if err != nil {
		return err
	}
	s, err := openBackup(ctx, c.Target)
	if err != nil {
		return err
	}
	began := time.Now()
	checked, err := s.Check(ctx, backup.CheckOptions{Log: dictionaryOptions(), OpenKeys: c.openKeys(ctx, &folder{path: c.Target}), Key: key, Progress: bytesProgress("reading the backup")})
	if err != nil {
		return explainDamage(err)
	}
	fmt.Printf("log          %d records in %d segments, %s, in %v: every object is whole, every content is what was committed to\n",
		checked.Records, len(s.Segments), humanize.Bytes(uint64(s.Bytes())), time.Since(began).Round(time.Millisecond))
	fmt.Printf("erased       %d bodies\n", checked.Erased)
	fmt.Printf("root         %s\n", checked.Root)
	if checked.Checkpoints == 0 {
		fmt.Println("checkpoints  none: nothing says that this is the log there was")
		return nil
	}
	fmt.Printf("checkpoints  %d, all signed and of this log; the last one is of %d records\nkey          %s\n", checked.Checkpoints, checked.Signed, checked.Key)
	return nil
}
