package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jellydator/ttlcache/v3"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/projections/sqldb"
)

// digest is all that is kept of a session or token. The secret has 256 random
// bits, so a plain hash is enough.
type digest [sha256.Size]byte

func newSecret(prefix string) (string, digest) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand
	s := prefix + base64.RawURLEncoding.EncodeToString(b[:])
	return s, sha256.Sum256([]byte(s))
}

// Session is a fresh login. Token is the cookie's value and is shown once.
type Session struct {
	Token string
	Agent Agent
	Until time.Time // ends then even when it is used
}

// Authenticate judges an address and a password. Client names where the try
// comes from, for the limits. It fails with a *WrongError or a *LimitError.
func (a *Accounts) Authenticate(ctx context.Context, client, email, password string) (Session, error) {
	email = normal(email)
	if err := a.tries.take(client, email, a.now()); err != nil {
		return Session{}, err
	}
	var ag Agent
	var hash string
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		found, err := scanAgent(tx.Row(`SELECT `+agentColumns+`, p.hash FROM agents a JOIN passwords p ON p.agent = a.id
			WHERE a.email = ? AND a.active = 1 AND a.email <> ''`, email).Scan, &hash)
		if errors.Is(err, sqldb.ErrNoRow) {
			return nil
		}
		ag = found
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("log in: %w", err)
	}
	ok, err := a.judge.matches(ctx, password, hash)
	if err != nil {
		return Session{}, fmt.Errorf("log in: %w", err)
	}
	if !ok {
		return Session{}, &WrongError{}
	}
	a.tries.forget(client, email)
	return a.begin(ctx, ag, hash)
}

// begin stores a session, unless the password changed while it was judged.
func (a *Accounts) begin(ctx context.Context, ag Agent, judged string) (Session, error) {
	token, d := newSecret("")
	now := a.now()
	err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
		var hash string
		ok, err := tx.Row(`SELECT hash FROM passwords WHERE agent = ?`, string(ag.ID)).Find(&hash)
		if err != nil {
			return err
		}
		if !ok || hash != judged {
			return &WrongError{}
		}
		_, err = tx.Exec(`INSERT INTO sessions (digest, agent, created_at, seen_at) VALUES (?, ?, ?, ?)`, d[:], string(ag.ID), now.UnixMilli(), now.UnixMilli())
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("log in: %w", err)
	}
	return Session{Token: token, Agent: ag, Until: now.Add(a.cfg.Lifetime)}, nil
}

// seenEvery is how exactly the use of sessions and tokens is remembered.
const seenEvery = 5 * time.Minute

// Session returns whose session a cookie's value is, or an *ExpiredError. Using
// a session keeps it alive.
func (a *Accounts) Session(ctx context.Context, token string) (Agent, error) {
	if len(token) != 43 {
		return Agent{}, &ExpiredError{}
	}
	return a.lookup(ctx, sha256.Sum256([]byte(token)), func(tx *sqldb.Tx, d digest) (Agent, int64, error) {
		var created, seen int64
		ag, err := scanAgent(tx.Row(`SELECT `+agentColumns+`, s.created_at, s.seen_at FROM sessions s JOIN agents a ON a.id = s.agent
			WHERE s.digest = ? AND a.active = 1`, d[:]).Scan, &created, &seen)
		now := a.now()
		if err == nil && (now.Sub(time.UnixMilli(seen)) >= a.cfg.Idle || now.Sub(time.UnixMilli(created)) >= a.cfg.Lifetime) {
			err = &ExpiredError{}
		}
		return ag, seen, err
	}, `UPDATE sessions SET seen_at = ? WHERE digest = ?`)
}

// Token returns whose API token a bearer value is, or an *ExpiredError.
func (a *Accounts) Token(ctx context.Context, token string) (Agent, error) {
	if !strings.HasPrefix(token, TokenPrefix) || len(token) != len(TokenPrefix)+43 {
		return Agent{}, &ExpiredError{}
	}
	return a.lookup(ctx, sha256.Sum256([]byte(token)), func(tx *sqldb.Tx, d digest) (Agent, int64, error) {
		var used int64
		ag, err := scanAgent(tx.Row(`SELECT `+agentColumns+`, t.used_at FROM tokens t JOIN agents a ON a.id = t.agent
			WHERE t.digest = ? AND a.active = 1`, d[:]).Scan, &used)
		return ag, used, err
	}, `UPDATE tokens SET used_at = ? WHERE digest = ?`)
}

// lookup finds an agent by digest, from the cache when it was just asked for,
// and remembers now and then that the secret is in use.
func (a *Accounts) lookup(ctx context.Context, d digest, find func(*sqldb.Tx, digest) (Agent, int64, error), touch string) (Agent, error) {
	if item := a.known.Get(d); item != nil {
		return item.Value(), nil
	}
	var ag Agent
	var seen int64
	err := a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		ag, seen, err = find(tx, d)
		return err
	})
	if errors.Is(err, sqldb.ErrNoRow) {
		return Agent{}, &ExpiredError{}
	}
	if err != nil {
		return Agent{}, fmt.Errorf("look up session: %w", err)
	}
	if now := a.now(); now.Sub(time.UnixMilli(seen)) >= seenEvery {
		err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec(touch, now.UnixMilli(), d[:])
			return err
		})
		if err != nil {
			return Agent{}, fmt.Errorf("keep session: %w", err)
		}
	}
	a.known.Set(d, ag, ttlcache.DefaultTTL)
	return ag, nil
}

// Logout ends one session. Ending one that is not there is no error.
func (a *Accounts) Logout(ctx context.Context, token string) error {
	d := digest(sha256.Sum256([]byte(token)))
	err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`DELETE FROM sessions WHERE digest = ?`, d[:])
		return err
	})
	if err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	a.known.Delete(d)
	return nil
}

// TokenPrefix begins every API token, so that leaked ones can be found.
const TokenPrefix = "hub_"

// TokenInfo is what can be shown of an API token.
type TokenInfo struct {
	ID      string
	Name    string
	Created time.Time
	Used    time.Time // zero: never
}

// maxTokens is how many an agent may have.
const maxTokens = 50

// CreateToken makes an API token for an agent; it is shown once.
func (a *Accounts) CreateToken(ctx context.Context, by events.Actor, id events.AgentID, name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || len(name) > 80 {
		return "", &RefusedError{"A token's name has 1 to 80 characters."}
	}
	if err := a.mustBeActive(ctx, id); err != nil {
		return "", err
	}
	if err := a.append(ctx, by, id, events.CredentialChanged{Agent: id, Kind: "token"}); err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	token, d := newSecret(TokenPrefix)
	err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
		var n int
		if err := tx.Row(`SELECT count(*) FROM tokens WHERE agent = ?`, string(id)).Scan(&n); err != nil {
			return err
		}
		if n >= maxTokens {
			return &RefusedError{fmt.Sprintf("An agent has at most %d tokens.", maxTokens)}
		}
		_, err := tx.Exec(`INSERT INTO tokens (digest, id, agent, name, created_at, used_at) VALUES (?, ?, ?, ?, ?, 0)`,
			d[:], events.NewUUID().String(), string(id), name, a.now().UnixMilli())
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	return token, nil
}

// Tokens lists an agent's API tokens, newest first.
func (a *Accounts) Tokens(ctx context.Context, id events.AgentID) ([]TokenInfo, error) {
	var out []TokenInfo
	err := a.db.Read(ctx, func(tx *sqldb.Tx) error {
		return tx.Query(func(scan func(...any) error) error {
			var t TokenInfo
			var created, used int64
			if err := scan(&t.ID, &t.Name, &created, &used); err != nil {
				return err
			}
			t.Created = time.UnixMilli(created).UTC()
			if used > 0 {
				t.Used = time.UnixMilli(used).UTC()
			}
			out = append(out, t)
			return nil
		}, `SELECT id, name, created_at, used_at FROM tokens WHERE agent = ? ORDER BY created_at DESC, id`, string(id))
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return out, nil
}

// RevokeToken ends one of an agent's API tokens, or fails with an *UnknownError.
func (a *Accounts) RevokeToken(ctx context.Context, id events.AgentID, token string) error {
	err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
		res, err := tx.Exec(`DELETE FROM tokens WHERE agent = ? AND id = ?`, string(id), token)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, &UnknownError{})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	a.known.DeleteAll()
	return nil
}
