package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/blobs"
	"github.com/westshore/hub/events/seal"
	"github.com/westshore/hub/events/vault"
)

// Seal is what sealing, opening and destroying cost (PRIVACY 6, test 21).
type Seal struct {
	Baseline SealBaseline `json:"baseline"`
	Keys     int          `json:"keys"` // in the vault while opening, sweeping and wrapping anew

	Segments  float64 `json:"sealed_segments_per_s"`      // with their letter of 1.4 KB, durable, many callers
	ToCommits float64 `json:"sealed_segments_to_commits"` // segments for each raw SQLite commit of the same run
	Commits   float64 `json:"segments_per_commit"`        // how many share one
	Open      Latency `json:"open_ms"`                    // one event of two segments, read before
	OpenCold  Latency `json:"open_cold_ms"`               // one event of two segments, from the database
	Erase     float64 `json:"erase_10k_segments_s"`       // one person: fence, list, destroy, drain
	Rewrap    float64 `json:"rewrap_all_keys_s"`          // every key under a new epoch, the old one gone
	Preview   float64 `json:"preview_all_keys_s"`         // digest of everything that is due
	Sweep     float64 `json:"sweep_all_keys_s"`           // all of it destroyed
	SweepRate float64 `json:"swept_segments_per_s"`       //
	ToInserts float64 `json:"swept_segments_to_inserts"`  // for each row the baseline inserts
	Left      int     `json:"keys_left"`                  // must be 0
}

// SealBaseline is what SQLite does at best on the same disk.
type SealBaseline struct {
	Fsync   float64 `json:"fsync_per_s"`
	Commits float64 `json:"sqlite_commits_per_s"` // one row each, synchronous
	Inserts float64 `json:"sqlite_inserts_per_s"` // rows of a key's size, 10,000 in a transaction
}

const (
	sealFor     = 5 * time.Second
	sealCallers = 64
	opens       = 20_000
	eraseKeys   = 10_000
	sweepBatch  = 10_000
)

// SealSteps are the parts of RunSeal that can be measured alone.
func SealSteps() []string { return []string{"seal", "open", "erase", "rewrap", "sweep"} }

// RunSeal measures with that many keys in the vault; only, when it is not empty,
// names the one step that is wanted.
func RunSeal(ctx context.Context, keys int, only string) (*Seal, error) {
	dir, err := os.MkdirTemp("", "hub-bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := &Seal{}
	if out.Baseline, err = sealBaseline(ctx, dir); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	v, err := vault.Open(ctx, vault.Config{Dir: filepath.Join(dir, "vault"), KeyFile: filepath.Join(dir, "root.key"), Logger: quiet})
	if err != nil {
		return nil, err
	}
	files, err := blobs.Open(blobs.Config{Dir: filepath.Join(dir, "blobs"), Logger: quiet})
	if err != nil {
		return nil, errors.Join(err, v.Close())
	}
	b := &sealBench{v: v, sealer: seal.New(v, seal.Files{Put: files.Put, Get: files.Get}), out: out}
	err = b.run(ctx, keys, only)
	return out, errors.Join(err, files.Close(), v.Close())
}

type sealBench struct {
	v      *vault.Vault
	sealer *seal.Sealer
	envs   []events.Envelope // some that were sealed
	out    *Seal
}

func (b *sealBench) run(ctx context.Context, keys int, only string) error {
	none := vault.Period{}
	err := b.v.SetSchedule(ctx, vault.Schedule{Version: 1, Rules: []vault.Rule{
		{Class: events.ClassComm, Anchor: vault.AnchorProcess, Keep: vault.Period{Months: 24}, MaxFromCollection: vault.Period{Years: 5}},
		{Class: events.ClassContact, Anchor: vault.AnchorRelationship, Keep: vault.Period{Months: 24}, MaxFromCollection: vault.Period{Years: 5}},
		{Class: events.ClassOut, Anchor: vault.AnchorCollected, Keep: vault.Period{Days: 30}, MaxFromCollection: none},
	}})
	if err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context, int) error
		with []string // is needed for these as well
	}{
		{"seal", b.seal, []string{"open"}},
		{"fill", b.fill, SealSteps()[1:]},
		{"open", b.open, nil},
		{"erase", b.erase, nil},
		{"rewrap", b.rewrap, nil},
		{"sweep", b.sweep, nil},
	} {
		if only != "" && only != step.name && !slices.Contains(step.with, only) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", step.name)
		if err := step.do(ctx, keys); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// draft is a mail of 1.4 KB: two segments and a file inside the event.
func draft(customer events.SubjectID) seal.Draft {
	id := events.NewUUID()
	raw := make([]byte, 1400)
	e := events.InquiryReceived{
		Inquiry: events.InquiryID(id.String()), Channel: events.Email, Customer: customer, Raw: events.NewBlob(raw),
		Contact: events.Seal(events.Address{Name: "A Customer", Address: "customer@example.org"}),
		Letter:  events.Seal(events.Letter{Subject: "A question", Text: string(raw[:1000])}),
	}
	return seal.Draft{ID: id, Stream: events.InquiryStream(e.Inquiry), Event: e}
}

func person() events.SubjectID {
	var id [16]byte
	rand.Read(id[:])
	return events.SubjectID(hex.EncodeToString(id[:]))
}

// seal has many callers seal one mail after the other.
func (b *sealBench) seal(ctx context.Context, _ int) error {
	var n atomic.Int64
	kept := make([][]events.Envelope, sealCallers)
	before, began := b.v.Stats().Commits, time.Now()
	group, gctx := errgroup.WithContext(ctx)
	for i := range sealCallers {
		group.Go(func() error {
			who := person()
			for time.Since(began) < sealFor {
				envs, err := b.sealer.Seal(b.sealer.Begin(gctx), []seal.Draft{draft(who)})
				if err != nil {
					return err
				}
				n.Add(int64(len(envs[0].Meta.Segments)))
				if len(kept[i]) < 100 {
					kept[i] = append(kept[i], envs...)
				}
			}
			return nil
		})
	}
	err := group.Wait()
	b.envs = slices.Concat(kept...)
	b.out.Segments = float64(n.Load()) / time.Since(began).Seconds()
	b.out.ToCommits = b.out.Segments / b.out.Baseline.Commits
	b.out.Commits = float64(n.Load()) / float64(b.v.Stats().Commits-before)
	return err
}

// fill mints keys of mails that came two months ago and are due: two for each
// mail, one person for every three mails.
func (b *sealBench) fill(ctx context.Context, keys int) error {
	old := time.Now().AddDate(0, -2, 0)
	people := make([]events.SubjectID, max(1, keys/6))
	for i := range people {
		people[i] = person()
	}
	for n := 0; n < keys; {
		reqs := make([]vault.Request, 0, 500)
		for range min(250, (keys-n+1)/2) {
			id := events.NewUUID()
			r := vault.Request{
				Event: id, Stream: events.InquiryStream(events.InquiryID(person())), Subject: people[(n*7919+len(reqs))%len(people)],
				Category: events.Communication, Class: events.ClassOut, Collected: old,
			}
			reqs = append(reqs, r, r)
		}
		if _, err := b.v.Mint(ctx, b.v.Begin(), reqs); err != nil {
			return err
		}
		n += len(reqs)
		b.out.Keys = n
	}
	return nil
}

func (b *sealBench) open(ctx context.Context, _ int) error {
	agent := events.Principal{Actor: "agent:bench", Role: events.RoleAgent, Purpose: events.PurposeSupport}
	once := func(env *events.Envelope) (float64, error) {
		began := time.Now()
		_, err := b.sealer.Open(ctx, agent, []events.Envelope{*env})
		return ms(time.Since(began)), err
	}
	var cold, warm []float64
	for i := range b.envs {
		d, err := once(&b.envs[i])
		if err != nil {
			return err
		}
		cold = append(cold, d)
	}
	// A few pages of events that are open on screens: they are asked for again
	// and again, and once in every lease from the database.
	for i := range opens {
		d, err := once(&b.envs[i%min(500, len(b.envs))])
		if err != nil {
			return err
		}
		warm = append(warm, d)
	}
	b.out.OpenCold, b.out.Open = latency(cold), latency(warm)
	return nil
}

func latency(times []float64) Latency {
	slices.Sort(times)
	return Latency{N: len(times), P50: times[len(times)/2], P99: times[len(times)*99/100], Max: times[len(times)-1]}
}

func (b *sealBench) erase(ctx context.Context, _ int) error {
	who := person()
	for n := 0; n < eraseKeys; {
		reqs := make([]vault.Request, min(500, eraseKeys-n))
		for i := range reqs {
			id := events.NewUUID()
			reqs[i] = vault.Request{Event: id, Stream: events.InquiryStream(events.InquiryID(id.String())), Subject: who, Category: events.Communication, Class: events.ClassComm}
		}
		if _, err := b.v.Mint(ctx, b.v.Begin(), reqs); err != nil {
			return err
		}
		n += len(reqs)
	}
	began := time.Now()
	if err := b.v.Fence(ctx, who); err != nil {
		return err
	}
	infos, err := b.v.SubjectKeys(ctx, who)
	if err != nil {
		return err
	}
	kids := make([]events.KID, len(infos))
	for i := range infos {
		kids[i] = infos[i].KID
	}
	d, err := b.v.Destroy(ctx, vault.Order{ID: events.NewUUID(), Cause: vault.CauseSubject}, kids)
	if err == nil && len(d.Killed) != eraseKeys {
		err = fmt.Errorf("%d keys of %d destroyed", len(d.Killed), eraseKeys)
	}
	if err != nil {
		return err
	}
	err = b.v.Drained(ctx)
	b.out.Erase = time.Since(began).Seconds()
	return err
}

func (b *sealBench) rewrap(ctx context.Context, _ int) error {
	began := time.Now()
	_, err := b.v.SealEpoch(ctx)
	b.out.Rewrap = time.Since(began).Seconds()
	return err
}

func (b *sealBench) sweep(ctx context.Context, _ int) error {
	now := time.Now()
	p, err := b.v.DueDigest(ctx, now)
	if err != nil {
		return err
	}
	b.out.Preview = time.Since(now).Seconds()
	began, n := time.Now(), 0
	for {
		due, err := b.v.Due(ctx, now, sweepBatch)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			break
		}
		kids := make([]events.KID, len(due))
		for i := range due {
			kids[i] = due[i].KID
		}
		d, err := b.v.Destroy(ctx, vault.Order{ID: events.NewUUID(), Cause: vault.CauseRetention, Due: now, More: n+len(due) < p.N}, kids)
		if err != nil {
			return err
		}
		n += len(d.Killed)
	}
	b.out.Sweep = time.Since(began).Seconds()
	b.out.SweepRate = float64(n) / b.out.Sweep
	b.out.ToInserts = b.out.SweepRate / b.out.Baseline.Inserts
	b.out.Left = p.N - n
	return nil
}

func sealBaseline(ctx context.Context, dir string) (SealBaseline, error) {
	var out SealBaseline
	var err error
	if out.Fsync, err = fsyncRate(filepath.Join(dir, "fsync")); err != nil {
		return out, fmt.Errorf("measure fsync: %w", err)
	}
	if out.Commits, err = sqliteRate(ctx, filepath.Join(dir, "commits.db"), 1); err != nil {
		return out, fmt.Errorf("measure sqlite: %w", err)
	}
	if out.Inserts, err = sqliteRate(ctx, filepath.Join(dir, "inserts.db"), 10_000); err != nil {
		return out, fmt.Errorf("measure sqlite: %w", err)
	}
	return out, nil
}

// sqliteRate inserts rows of 150 bytes for a second, some in each transaction.
func sqliteRate(ctx context.Context, path string, rows int) (float64, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // each transaction was synced
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "CREATE TABLE t (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID"); err != nil {
		return 0, err
	}
	value, n, began := make([]byte, 134), 0, time.Now()
	for time.Since(began) < baselineTime {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		for range rows {
			if _, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (?, ?)", fmt.Appendf(nil, "%016d", n), value); err != nil {
				return 0, errors.Join(err, tx.Rollback())
			}
			n++
		}
		if err := tx.Commit(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// Print writes the figures as JSON.
func (s *Seal) Print(out *json.Encoder) error {
	out.SetIndent("", "  ")
	return out.Encode(s)
}
