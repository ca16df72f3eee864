package store

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

// Batch gathers writes that belong together and keeps their order.
type Batch struct {
	store  *Store
	writes []write
}

type write struct {
	key, value []byte
	remove     bool
	meta       byte
}

// NewBatch begins an empty batch.
func (s *Store) NewBatch() *Batch { return &Batch{store: s} }

// Put sets key to value. Both are kept until Commit.
func (b *Batch) Put(key, value []byte) {
	w := write{key: key, value: value}
	if len(value) > b.store.maxValue {
		b.writes = append(b.writes, w.chunks(b.store.maxValue)...)
		return
	}
	b.writes = append(b.writes, w)
}

// Delete removes key, with the chunks of a large value. To replace a large value
// by one that may be shorter, delete it first.
func (b *Batch) Delete(key []byte) { b.writes = append(b.writes, write{key: key, remove: true}) }

// Commit writes everything in the order it was given and empties the batch. It
// is one transaction of Badger unless the batch is too large for one.
func (b *Batch) Commit() error {
	txn := b.store.db.NewTransaction(true)
	defer func() { txn.Discard() }()
	for _, w := range b.writes {
		err := w.into(txn)
		if errors.Is(err, badger.ErrTxnTooBig) {
			if err = b.store.commit(txn); err == nil {
				txn = b.store.db.NewTransaction(true)
				err = w.into(txn)
			}
		}
		if err != nil {
			return fmt.Errorf("write the projections: %w", err)
		}
	}
	if err := b.store.commit(txn); err != nil {
		return fmt.Errorf("write the projections: %w", err)
	}
	clear(b.writes)
	b.writes = b.writes[:0]
	return nil
}

func (s *Store) commit(txn *badger.Txn) error {
	if s.beforeWrite != nil {
		if err := s.beforeWrite(); err != nil {
			return err
		}
	}
	return txn.Commit()
}

func (w write) into(txn *badger.Txn) error {
	if w.remove {
		if err := deleteChunks(txn, w.key); err != nil {
			return err
		}
		return txn.Delete(w.key)
	}
	return txn.SetEntry(badger.NewEntry(w.key, w.value).WithMeta(w.meta))
}
