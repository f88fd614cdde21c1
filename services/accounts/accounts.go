package accounts

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/jellydator/ttlcache/v3"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/sqldb"
)

//go:embed schema/*.sql
var schema embed.FS

// Config is what the room needs.
type Config struct {
	Path    string // of its SQLite file
	Journal *journal.Journal

	Idle     time.Duration // a session unused for so long ends; 0: 7 days
	Lifetime time.Duration // every session ends after so long; 0: 30 days
	Checks   int           // passwords judged at once; 0: 2

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger
}

// Accounts is the room. It is safe for concurrent use, also by two processes.
type Accounts struct {
	cfg     Config
	db      *sqldb.DB
	journal *journal.Journal
	judge   *judge
	tries   *tries
	known   *ttlcache.Cache[digest, Agent] // sessions and tokens looked up just now
	adding  sync.Mutex
	now     func() time.Time
	log     *slog.Logger
}

// cacheLife is how long a looked-up session or token is believed unseen.
const (
	cacheLife = 5 * time.Second
	cacheSize = 10_000
)

// Open opens the room's database. Run must follow for it to see agents that
// other processes add.
func Open(ctx context.Context, c Config) (*Accounts, error) {
	if c.Journal == nil || c.Logger == nil {
		return nil, errors.New("open accounts: journal and logger are needed")
	}
	if c.Idle <= 0 {
		c.Idle = 7 * 24 * time.Hour
	}
	if c.Lifetime <= 0 {
		c.Lifetime = 30 * 24 * time.Hour
	}
	if c.Checks <= 0 {
		c.Checks = 2
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	files, err := fs.Sub(schema, "schema")
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	db, err := sqldb.Open(ctx, sqldb.Config{Path: c.Path, Schema: files, Durable: true})
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	return &Accounts{
		cfg: c, db: db, journal: c.Journal, judge: newJudge(c.Checks), tries: newTries(),
		known: ttlcache.New(
			ttlcache.WithTTL[digest, Agent](cacheLife),
			ttlcache.WithCapacity[digest, Agent](cacheSize),
			ttlcache.WithDisableTouchOnHit[digest, Agent](),
		),
		now: c.Now, log: c.Logger.With("room", "accounts"),
	}, nil
}

// Close closes the database.
func (a *Accounts) Close() error { return a.db.Close() }

// Agent is one agent as the house shows it.
type Agent struct {
	ID     events.AgentID
	Name   string
	Email  string
	Role   events.Role
	Active bool
}

// Principal is what the agent opens segments as.
func (a Agent) Principal() events.Principal {
	return events.Principal{Actor: events.AgentActor(a.ID), Role: a.Role, Purpose: events.PurposeSupport}
}

const agentColumns = `a.id, a.name, a.email, a.role, a.active`

func scanAgent(scan func(...any) error, more ...any) (ag Agent, err error) {
	err = scan(append([]any{&ag.ID, &ag.Name, &ag.Email, &ag.Role, &ag.Active}, more...)...)
	return ag, err
}

// List returns every agent, the inactive last.
func (a *Accounts) List(ctx context.Context) ([]Agent, error) {
	var out []Agent
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			ag, err := scanAgent(scan)
			out = append(out, ag)
			return err
		}, `SELECT `+agentColumns+` FROM agents a ORDER BY a.active DESC, a.name, a.id`)
	})
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	return out, nil
}

// Get returns one agent, or an *UnknownError.
func (a *Accounts) Get(ctx context.Context, id events.AgentID) (Agent, error) {
	return a.find(ctx, `SELECT `+agentColumns+` FROM agents a WHERE a.id = ?`, string(id))
}

// ByEmail returns the active agent of an address, or an *UnknownError.
func (a *Accounts) ByEmail(ctx context.Context, email string) (Agent, error) {
	return a.find(ctx, `SELECT `+agentColumns+` FROM agents a WHERE a.email = ? AND a.active = 1`, normal(email))
}

func (a *Accounts) find(ctx context.Context, query, arg string) (ag Agent, err error) {
	err = a.db.Read(ctx, func(tx *sqldb.Tx) error {
		ag, err = scanAgent(tx.Row(query, arg).Scan)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRow) {
		return Agent{}, &UnknownError{}
	}
	if err != nil {
		return Agent{}, fmt.Errorf("find agent: %w", err)
	}
	return ag, nil
}
