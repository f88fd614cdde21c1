package vault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

// TestVaultOfTheFirstSchemaIsMigratedInPlace makes a file as the first release
// did: its schema as it was, its rows, its columns.
//
// clause: S4
func TestVaultOfTheFirstSchemaIsMigratedInPlace(t *testing.T) {
	// A vault of today lends its keys, wrapped as the first release did.
	p := newPlace(t)
	v := p.open(t)
	reqs := requests(4, subject(1))
	keys := mint(t, v, reqs...)
	people, err := v.Subjects(t.Context(), []string{"a@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, v)
	old := place{dir: filepath.Join(t.TempDir(), "vault"), key: p.key}
	mkdir(t, old.dir)
	write(t, filepath.Join(old.dir, "vault.db"), nil)
	db := old.sql(t)
	script, err := os.ReadFile("testdata/schema1.sql")
	if err != nil {
		t.Fatal(err)
	}
	execSQL(t, db, "PRAGMA journal_mode=WAL")
	execSQL(t, db, string(script)+"; PRAGMA application_id=1465075798; PRAGMA user_version=1")
	execSQL(t, db, "ATTACH DATABASE ? AS today", filepath.Join(p.dir, "vault.db"))
	for _, q := range []string{
		`INSERT INTO seg_key (kid, subject, category, class, event, stream, minted_at, sv, state, hold_n, shard, epoch, wrapped, kc)
			SELECT kid, subject, category, class, event, stream, minted_at, 1, state, 0, 0, epoch, wrapped, kc FROM today.seg_key`,
		"INSERT INTO kek SELECT * FROM today.kek", "INSERT INTO secret SELECT * FROM today.secret",
		"INSERT INTO subject SELECT * FROM today.subject", "INSERT INTO ident SELECT * FROM today.ident",
		"INSERT INTO opener (id, actor, role, purpose) VALUES (1, 'agent:0b', 'agent', 'support')",
		"INSERT INTO opened (at, opener, n, denied, kids) SELECT minted_at, 1, 1, 0, kid FROM seg_key",
		"INSERT INTO hold (hid, scope, authority, state, at) VALUES (x'00000000000000000000000000000009', '{\"streams\":[\"" + string(reqs[1].Stream) + "\"]}', 'case-1', 1, 5)",
		"UPDATE seg_key SET hold_n = 1 WHERE stream = '" + string(reqs[1].Stream) + "'",
		"INSERT INTO hold_seg (hid, kid) SELECT x'00000000000000000000000000000009', kid FROM seg_key WHERE hold_n = 1",
	} {
		execSQL(t, db, q)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	v = old.open(t)
	for i, r := range open(t, v, names(keys)...) {
		if r.State != events.Plain || r.DEK != keys[i].DEK {
			t.Fatalf("key %d is %v after the migration", i, r.State)
		}
	}
	if again, err := v.Subjects(t.Context(), []string{"a@example.org"}); err != nil || again[0] != people[0] {
		t.Errorf("the address resolves to somebody else (%v)", err)
	}
	if lines, err := v.Accesses(t.Context(), keys[0].KID); err != nil || len(lines) != 2 {
		t.Errorf("%d lines of the access log (%v), want the old one and a new one", len(lines), err)
	}
	if err := v.SetSchedule(t.Context(), vault.Schedule{Version: 1, Rules: []vault.Rule{
		{Class: events.ClassComm, Anchor: vault.AnchorProcess, Keep: vault.Period{Months: 1}, MaxFromCollection: vault.Period{Years: 1}},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := v.Move(t.Context(), vault.Move{Ref: string(reqs[0].Stream), At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if got := ends(t, v, names(keys)); len(got) != 4 || !got[keys[0].KID].Before(got[keys[2].KID]) {
		t.Errorf("ends of old keys: %v", got)
	}
	d := destroy(t, v, names(keys[:3])...)
	if diff := cmp.Diff(vault.Destroyed{Killed: []events.KID{keys[0].KID, keys[2].KID}, Deferred: []events.KID{keys[1].KID}}, d); diff != "" {
		t.Errorf("destroyed (-want +got):\n%s", diff)
	}
	fresh := request(subject(2))
	fresh.Stream = reqs[1].Stream // under the hold of the first release
	if d := destroy(t, v, mint(t, v, fresh)[0].KID); len(d.Deferred) != 1 {
		t.Errorf("the old hold does not keep new keys: %+v", d)
	}
	shut(t, v)

	// A migrated file and a new one are made alike.
	if d := cmp.Diff(columns(t, p), columns(t, old)); d != "" {
		t.Errorf("schema of a migrated vault (-new +migrated):\n%s", d)
	}
}

// columns lists every column and index of a vault.
func columns(t *testing.T, p place) []string {
	t.Helper()
	db := p.sql(t)
	rows, err := db.QueryContext(t.Context(), `SELECT m.name || '.' || c.cid || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk
		FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
		UNION ALL SELECT name || ' ' || replace(sql, ' ', '') FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(s))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) < 40 {
		t.Fatalf("only %d columns and indexes", len(out))
	}
	return out
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}
