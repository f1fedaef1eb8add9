// A judge of a transparency log, on Go's sumdb packages alone: it shares no line with this project.
//
// It reads one JSON object from standard input and writes one to standard output: for each case its
// name and "accepted", or what the Go packages say against it. It is built by requirements/judges.sh
// from Debian's golang-golang-x-mod-dev.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of a C2SP tile: 256 hashes

type noteCase struct {
	Name string
	Note []byte
	Keys []string // verifier keys of logs and of witnesses
}

type inclusionCase struct {
	Name        string
	Index, Size int64
	Root, Leaf  []byte // the leaf's bytes
	Proof       [][]byte
}

type consistencyCase struct {
	Name             string
	Old, New         int64
	OldRoot, NewRoot []byte
	Proof            [][]byte
}

// A tree of which the judge gets nothing but what tlog-tiles lets one fetch.
type tilesCase struct {
	Name       string
	Checkpoint []byte
	Key        string
	Resources  map[string][]byte // path below the prefix, and what is there
}

func main() {
	var asked struct {
		Notes       []noteCase
		Inclusion   []inclusionCase
		Consistency []consistencyCase
		Tiles       []tilesCase
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	said := map[string]string{}
	for _, c := range asked.Notes {
		said[c.Name] = word(judgeNote(c))
	}
	for _, c := range asked.Inclusion {
		said[c.Name] = word(judgeInclusion(c))
	}
	for _, c := range asked.Consistency {
		said[c.Name] = word(judgeConsistency(c))
	}
	for _, c := range asked.Tiles {
		said[c.Name] = word(judgeTiles(c))
	}
	json.NewEncoder(os.Stdout).Encode(said)
}

func word(err error) string {
	if err == nil {
		return "accepted"
	}
	return err.Error()
}

// judgeNote asks that every one of the keys has signed.
func judgeNote(c noteCase) error {
	var known []note.Verifier
	for _, key := range c.Keys {
		verifier, err := newVerifier(key)
		if err != nil {
			return err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open(c.Note, note.VerifierList(known...))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != len(known) {
		return fmt.Errorf("%d of %d keys have signed", len(opened.Sigs), len(known))
	}
	return nil
}

func judgeInclusion(c inclusionCase) error {
	root, err := hash(c.Root)
	if err != nil {
		return err
	}
	proof, err := hashes(c.Proof)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, c.Size, root, c.Index, tlog.RecordHash(c.Leaf))
}

func judgeConsistency(c consistencyCase) error {
	older, err := hash(c.OldRoot)
	if err != nil {
		return err
	}
	newer, err := hash(c.NewRoot)
	if err != nil {
		return err
	}
	proof, err := hashes(c.Proof)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, c.New, newer, c.Old, older)
}

// judgeTiles opens the checkpoint, derives every leaf hash from tiles that lead to its root, and
// compares them with the entries.
func judgeTiles(c tilesCase) error {
	verifier, err := newVerifier(c.Key)
	if err != nil {
		return err
	}
	opened, err := note.Open(c.Checkpoint, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, resources(c.Resources))
	var places []int64
	for n := int64(0); n < size; n++ {
		places = append(places, tlog.StoredHashIndex(0, n))
	}
	leaves, err := reader.ReadHashes(places)
	if err != nil {
		return err
	}
	return compareEntries(c.Resources, leaves)
}

func compareEntries(given map[string][]byte, leaves []tlog.Hash) error {
	for n := 0; n < len(leaves); n += 256 {
		width := len(leaves) - n
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: height, L: 0, N: int64(n / 256), W: width}
		bundle := given[strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)]
		for i := n; i < n+width; i++ {
			if len(bundle) < 2 {
				return fmt.Errorf("entry %d is missing", i)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if len(bundle) < 2+length {
				return fmt.Errorf("entry %d is cut short", i)
			}
			if tlog.RecordHash(bundle[2:2+length]) != leaves[i] {
				return fmt.Errorf("entry %d is not what the tree holds", i)
			}
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return fmt.Errorf("bundle %d is too long", n/256)
		}
	}
	return nil
}

// resources serves tiles of height 8; Go writes that height into paths, C2SP does not.
type resources map[string][]byte

func (r resources) Height() int { return height }

func (r resources) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, ok := r[path]
		if !ok {
			return nil, fmt.Errorf("there is no %s", path)
		}
		found = append(found, data)
	}
	return found, nil
}

func (r resources) SaveTiles([]tlog.Tile, [][]byte) {}

func hash(raw []byte) (tlog.Hash, error) {
	var h tlog.Hash
	if len(raw) != len(h) {
		return h, errors.New("a hash has 32 bytes")
	}
	copy(h[:], raw)
	return h, nil
}

func hashes(raws [][]byte) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, raw := range raws {
		h, err := hash(raw)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// cosigner verifies c2sp.org/tlog-cosignature (type 4), which x/mod does not know.
type cosigner struct {
	name   string
	id     uint32
	public ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.id }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	var signed bytes.Buffer
	fmt.Fprintf(&signed, "cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig[:8]))
	signed.Write(msg)
	return ed25519.Verify(c.public, signed.Bytes(), sig[8:])
}

func newVerifier(key string) (note.Verifier, error) {
	parts := strings.SplitN(key, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed verifier key")
	}
	var raw []byte
	if err := json.Unmarshal([]byte(`"`+parts[2]+`"`), &raw); err != nil {
		return nil, err
	}
	if len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return note.NewVerifier(key)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	id := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", id) != parts[1] {
		return nil, errors.New("malformed verifier key: another id")
	}
	return cosigner{parts[0], id, ed25519.PublicKey(raw[1:])}, nil
}
