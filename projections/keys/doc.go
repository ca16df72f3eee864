// Package keys lays out what the projections keep in Badger. Byte order of the
// keys is the order in which they are read, so that every question is one seek
// or one range.
//
//	key                                     value
//	m format                                format version of this layout, 4 bytes
//	m fhir                                  the FHIR version, text
//	m log                                   identity of the log the keys come from, text
//	m current                               cursor of the current state: records applied, 8 bytes
//	m history                               cursor of the history postings, 8 bytes
//	m index                                 cursor of the search index, 8 bytes
//	m saved                                 up to where the saved head goes, 8 bytes
//	m search                                digest of the search parameters, text
//	c type 00 id                            current state of a resource, see package current
//	v type 00 id 00 version                 uvarint position of a version that is kept and
//	                                        not current
//	h type 00 block                         set of positions of the type's versions within
//	                                        one block (roaring, portable format); type is
//	                                        empty for the whole system
//	n type 00 block                         size of that set, uvarint
//	i slot aspect value block               posting: which positions of a block of the
//	                                        search index have a value; see package searchindex
//	d slot aspect value block               column of the search index
//	f slot aspect value block               forward references of the search index
//	s block block                           which versions of the first block ended by events
//	                                        of the second
//	ff chunk key number                           a piece of a large value, see package store
//	w block piece                           what a clean stop saved of the newest block
//	q row …                                 registry of search parameters and jobs; see
//	                                        package parameters
//	m registry                              cursor of the registry, 8 bytes
//
// The first byte is the letter shown. Versions are 8 bytes, blocks 4 bytes, both
// big-endian. Blocks of the search index are smaller than those of h and n. Slot,
// aspect and value are drawn in domain/search. Types and ids hold no zero byte. Changing any of this means a new
// Format, and a rebuild from the log at the next start.
package keys
