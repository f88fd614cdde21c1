package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/journal"
	"github.com/westshore/hub/projections/sqldb"
)

// New is an agent to be added.
type New struct {
	Name     string
	Email    string
	Role     events.Role // agent or admin
	Password string      // empty: cannot log in until one is set
}

// Add records a new agent and sets the password. It fails with a *RefusedError
// when the address is taken or something is malformed.
func (a *Accounts) Add(ctx context.Context, by events.Actor, n New) (events.AgentID, error) {
	n.Name, n.Email = strings.Join(strings.Fields(n.Name), " "), normal(n.Email)
	if err := n.check(); err != nil {
		return "", err
	}
	hash := ""
	if n.Password != "" {
		var err error
		if hash, err = a.judge.hash(ctx, n.Password); err != nil {
			return "", err
		}
	}
	a.adding.Lock()
	defer a.adding.Unlock()
	switch _, err := a.ByEmail(ctx, n.Email); {
	case err == nil:
		return "", &RefusedError{"There is an active agent with this address already."}
	case !isUnknown(err):
		return "", err
	}
	id := events.AgentID(events.NewUUID().String())
	added := events.AgentAdded{Agent: id, Role: n.Role, Profile: events.Seal(events.Profile{Name: n.Name, Email: n.Email})}
	evs := []events.Event{added}
	if hash != "" {
		evs = append(evs, events.CredentialChanged{Agent: id, Kind: "password"})
	}
	what := journal.By{Command: events.NewUUID(), Actor: by, At: a.now()}
	if _, err := a.journal.Append(ctx, events.AgentStream(id), events.NoStream, what, evs...); err != nil {
		return "", fmt.Errorf("add agent: %w", err)
	}
	err := a.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := a.insert(tx, added, a.now()); err != nil || hash == "" {
			return err
		}
		return setHash(tx, id, hash, a.now().UnixMilli())
	})
	if err != nil {
		return "", fmt.Errorf("add agent: %w", err)
	}
	a.log.InfoContext(ctx, "agent added", "agent", id, "role", n.Role)
	return id, nil
}

func (n New) check() error {
	addr, err := mail.ParseAddress(n.Email)
	switch {
	case err != nil || addr.Address != n.Email || len(n.Email) > 254:
		return &RefusedError{"The address is not an email address."}
	case n.Name == "" || utf8.RuneCountInString(n.Name) > 120 || !utf8.ValidString(n.Name):
		return &RefusedError{"A name has 1 to 120 characters."}
	case n.Role != events.RoleAgent && n.Role != events.RoleAdmin && n.Role != events.RolePrivacy:
		return &RefusedError{"The role is agent, admin or privacy."}
	}
	return nil
}

// SetPassword sets an agent's password and ends the agent's sessions. API tokens
// stay when the agent does it: they are not made from the password. When somebody
// else does, it is to put an account right that is not in the agent's hands: then
// they end as well, because whoever was in it may have made some.
func (a *Accounts) SetPassword(ctx context.Context, by events.Actor, id events.AgentID, password string) error {
	if err := a.mustBeActive(ctx, id); err != nil {
		return err
	}
	hash, err := a.judge.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := a.append(ctx, by, id, events.CredentialChanged{Agent: id, Kind: "password"}); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	err = a.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := setHash(tx, id, hash, a.now().UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM sessions WHERE agent = ?`, string(id)); err != nil || by == events.AgentActor(id) {
			return err
		}
		_, err := tx.Exec(`DELETE FROM tokens WHERE agent = ?`, string(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	a.known.DeleteAll()
	return nil
}

// Deactivate ends an agent's access: sessions, tokens and password.
func (a *Accounts) Deactivate(ctx context.Context, by events.Actor, id events.AgentID) error {
	if err := a.mustBeActive(ctx, id); err != nil {
		return err
	}
	if err := a.append(ctx, by, id, events.AgentDeactivated{Agent: id}); err != nil {
		return fmt.Errorf("deactivate agent: %w", err)
	}
	if err := a.db.Write(ctx, func(tx *sqldb.Tx) error { return deactivate(tx, id) }); err != nil {
		return fmt.Errorf("deactivate agent: %w", err)
	}
	a.known.DeleteAll()
	a.log.InfoContext(ctx, "agent deactivated", "agent", id)
	return nil
}

func (a *Accounts) mustBeActive(ctx context.Context, id events.AgentID) error {
	ag, err := a.Get(ctx, id)
	if err == nil && !ag.Active {
		return &RefusedError{"This agent is not active any more."}
	}
	return err
}

// append writes one more event to an agent's stream, which exists.
func (a *Accounts) append(ctx context.Context, by events.Actor, id events.AgentID, e events.Event) error {
	what := journal.By{Command: events.NewUUID(), Actor: by, At: a.now()}
	_, err := a.journal.Execute(ctx, events.AgentStream(id), what, func(history []events.Recorded) ([]events.Event, error) {
		if len(history) == 0 {
			return nil, &UnknownError{}
		}
		return []events.Event{e}, nil
	})
	return err
}

func normal(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func isUnknown(err error) bool {
	_, ok := errors.AsType[*UnknownError](err)
	return ok
}
