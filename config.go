package main

import (
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Config is everything an operator can set: one struct a room. Every key of the
// TOML file is also an environment variable (store.url is HUB_STORE_URL,
// mailbox.0.host is HUB_MAILBOX_0_HOST) and a flag (--store.url). Flags win over
// the environment, the environment over the file. Secrets come from files or the
// environment, and are never printed.
type Config struct {
	Data  string `toml:"data" help:"folder that keeps everything"`
	Brand string `toml:"brand" help:"name that customers and agents see"`

	HTTP struct {
		Listen    string   `toml:"listen" help:"host:port of the console and the API"`
		Ops       string   `toml:"ops" help:"host:port of health and metrics, for operators only; empty: none"`
		PublicURL string   `toml:"public_url" help:"how browsers reach the console, https://…"`
		Proxies   []string `toml:"trusted_proxies" help:"addresses of proxies whose X-Forwarded-For is believed"`
	} `toml:"http"`

	Store struct {
		URL string `toml:"url" secret:"url" help:"esdb://… of an EventStoreDB or KurrentDB; empty: the embedded node"`
	} `toml:"store"`

	Bus struct {
		URL      string `toml:"url" secret:"url" help:"nats://… of a NATS server or cluster; empty: the embedded one"`
		Replicas int    `toml:"replicas" help:"copies of each stream on a cluster: 1, 3 or 5"`
	} `toml:"bus"`

	Vault struct {
		KeyFile string `toml:"key_file" help:"file of the root key; empty: root.key in the data folder. Keep a copy apart from the data"`
		RootURL string `toml:"root_url" secret:"url" help:"gocloud.dev/secrets URL of a key management service that keeps the root key (awskms://, gcpkms://, azurekeyvault://, hashivault://, base64key://); empty: the key file holds the key itself"`
	} `toml:"vault"`

	SMTP struct {
		Host         string `toml:"host" help:"mail server that takes our mail; empty: nothing is sent"`
		Port         int    `toml:"port" help:"465, 587 or what the server says"`
		TLS          string `toml:"tls" help:"implicit, starttls or none (this machine only)"`
		CAFile       string `toml:"ca_file" help:"root certificate of a private mail server"`
		User         string `toml:"user"`
		Password     string `toml:"password" secret:"yes"`
		PasswordFile string `toml:"password_file"`
		Hello        string `toml:"hello" help:"our name in EHLO"`
		Outside      bool   `toml:"outside" help:"mail is delivered by a worker outside (hub worker smtp); this process sends nothing itself"`
		Connections  int    `toml:"connections" help:"messages that go out at a time"`
		DomainRate   int    `toml:"domain_rate" help:"messages a minute to a domain that nothing is known of; grows with success"`

		Undo    time.Duration `toml:"undo" help:"how long an answer waits and can be taken back"`
		Attach  int           `toml:"attach" help:"MB of files that travel inside an answer; larger ones go as links"`
		Links   time.Duration `toml:"links" help:"how long such a link works"`
		Unknown string        `toml:"unknown" help:"an answer whose outcome stays unknown: ask a person, or resend once"`
		Quiet   string        `toml:"quiet" help:"hours in which notices to many wait, such as 21:00-07:00"`
		Zone    string        `toml:"zone" help:"time zone of the quiet hours, such as Europe/Berlin; empty: UTC"`
	} `toml:"smtp"`

	Archive struct {
		Address      string `toml:"address" help:"gets a copy of every message, and so proves what was accepted; empty: none"`
		Host         string `toml:"host" help:"IMAP server of its mailbox, to look there"`
		Port         int    `toml:"port"`
		TLS          string `toml:"tls" help:"implicit, starttls or none (this machine only)"`
		CAFile       string `toml:"ca_file"`
		User         string `toml:"user"`
		Password     string `toml:"password" secret:"yes"`
		PasswordFile string `toml:"password_file"`
		Folder       string `toml:"folder"`
	} `toml:"archive"`

	DKIM []DKIMConfig `toml:"dkim"`

	Desk struct {
		Acknowledge   bool `toml:"acknowledge" help:"tell customers that their inquiry arrived"`
		NewTickets    int  `toml:"new_tickets_per_sender" help:"in ten minutes; then one ticket takes all"`
		DomainAnswers int  `toml:"answers_per_domain" help:"automatic answers to one domain in an hour"`
		TotalAnswers  int  `toml:"answers_in_all" help:"automatic answers in an hour"`
	} `toml:"desk"`

	Privacy struct {
		Controller string `toml:"controller" help:"who answers for the data, as the record of processing names it"`
		Contact    string `toml:"contact" help:"how to reach the controller and its data protection officer"`
		LedgerHead string `toml:"ledger_head" help:"a file on another volume that remembers the head of the privacy ledger as well, so that a data folder put back as a whole is noticed; empty: none"`
	} `toml:"privacy"`

	Notices struct {
		Rate    int `toml:"rate" help:"messages a minute of a notice that names no pace"`
		MaxRate int `toml:"max_rate" help:"the highest pace a notice may name"`
	} `toml:"notices"`

	Log struct {
		Level  string `toml:"level" help:"debug, info, warn or error"`
		Format string `toml:"format" help:"text or json"`
	} `toml:"log"`

	Mailbox  []MailboxConfig  `toml:"mailbox"`
	Form     []FormConfig     `toml:"form"`
	Identity []IdentityConfig `toml:"identity"`
	Worker   []WorkerConfig   `toml:"worker"`

	sources map[string]string // key → where its value came from
}

// MailboxConfig is one mailbox that inquiries come in by.
type MailboxConfig struct {
	ID           string        `toml:"id" help:"short name; it stands in the log, so never change it"`
	Address      string        `toml:"address" help:"the address customers write to"`
	Name         string        `toml:"name" help:"name beside it in outgoing mail"`
	Host         string        `toml:"host"`
	Port         int           `toml:"port"`
	TLS          string        `toml:"tls" help:"implicit, starttls or none (this machine only)"`
	CAFile       string        `toml:"ca_file"`
	User         string        `toml:"user"`
	Password     string        `toml:"password" secret:"yes"`
	PasswordFile string        `toml:"password_file"`
	TokenFile    string        `toml:"token_file" help:"file that holds an OAuth 2 access token, kept fresh by you; XOAUTH2 is used"`
	Folder       string        `toml:"folder"`
	Sent         string        `toml:"sent" help:"folder of sent mail to read as agents' answers, such as Sent; empty: not read"`
	After        string        `toml:"after" help:"leave, keyword or move:FOLDER"`
	AuthServID   string        `toml:"authserv_id" help:"your mail server's name in Authentication-Results (RFC 8601)"`
	Poll         time.Duration `toml:"poll" help:"between looks where IDLE does not work"`
	Aliases      []string      `toml:"aliases" help:"other addresses that lead to this mailbox"`

	OAuth                 string   `toml:"oauth" help:"google, microsoft or custom: reach it with OAuth 2 instead of a password"`
	OAuthTenant           string   `toml:"oauth_tenant" help:"Microsoft's directory; empty: common"`
	OAuthClientID         string   `toml:"oauth_client_id"`
	OAuthClientSecret     string   `toml:"oauth_client_secret" secret:"yes"`
	OAuthClientSecretFile string   `toml:"oauth_client_secret_file"`
	OAuthSecretEnds       string   `toml:"oauth_secret_ends" help:"day on which the client secret ends, such as 2027-01-31: you are warned a month before"`
	OAuthAuthURL          string   `toml:"oauth_auth_url" help:"of a custom provider"`
	OAuthTokenURL         string   `toml:"oauth_token_url" help:"of a custom provider"`
	OAuthScopes           []string `toml:"oauth_scopes"`

	FormSenders    []string `toml:"form_senders" help:"addresses that contact forms write from: their Reply-To is the customer"`
	IgnoreForwards bool     `toml:"ignore_forwards" help:"a mail that an agent passes on stays the agent's"`
}

// FormConfig is one web form.
type FormConfig struct {
	ID          string   `toml:"id"`
	Title       string   `toml:"title"`
	Intro       string   `toml:"intro"`
	Thanks      string   `toml:"thanks"`
	Mailbox     string   `toml:"mailbox" help:"id of the mailbox that answers"`
	Attachments bool     `toml:"attachments"`
	Embed       []string `toml:"embed" help:"origins whose pages may show the form"`
}

func defaults() *Config {
	c := &Config{Data: "hub-data", Brand: "Westshore", sources: map[string]string{}}
	c.HTTP.Listen, c.HTTP.Ops = "127.0.0.1:8080", "127.0.0.1:9090"
	c.Bus.Replicas = 1
	c.SMTP.Port, c.SMTP.TLS, c.SMTP.Connections, c.SMTP.DomainRate = 587, "starttls", 4, 20
	c.SMTP.Undo, c.SMTP.Unknown, c.SMTP.Attach, c.SMTP.Links = 10*time.Second, "ask", 10, 30*24*time.Hour
	c.Archive.Port, c.Archive.TLS, c.Archive.Folder = 993, "implicit", "INBOX"
	c.Desk.Acknowledge, c.Desk.NewTickets, c.Desk.DomainAnswers, c.Desk.TotalAnswers = true, 10, 30, 1000
	c.Notices.Rate, c.Notices.MaxRate = 60, 6000
	c.Log.Level, c.Log.Format = "info", "text"
	return c
}

// finish reads secrets from their files and checks what belongs together.
func (c *Config) finish() error {
	if c.Vault.KeyFile == "" {
		c.Vault.KeyFile = filepath.Join(c.Data, "root.key")
	}
	if err := readSecret(&c.SMTP.Password, c.SMTP.PasswordFile, "smtp"); err != nil {
		return err
	}
	if err := c.finishPost(); err != nil {
		return err
	}
	ids := map[string]bool{}
	for i := range c.Mailbox {
		m := &c.Mailbox[i]
		key := fmt.Sprintf("mailbox.%d", i)
		if err := readSecret(&m.Password, m.PasswordFile, key); err != nil {
			return err
		}
		if err := readSecret(&m.OAuthClientSecret, m.OAuthClientSecretFile, key); err != nil {
			return err
		}
		if _, err := mail.ParseAddress(m.Address); err != nil {
			return fmt.Errorf("%s.address: %q is no mail address", key, m.Address)
		}
		if m.ID == "" {
			m.ID, _, _ = strings.Cut(m.Address, "@")
		}
		if !validID(m.ID) || ids[m.ID] {
			return fmt.Errorf("%s.id: %q must be unique, of lower-case letters, digits and dashes", key, m.ID)
		}
		ids[m.ID] = true
		if m.User == "" {
			m.User = m.Address
		}
		if m.Name == "" {
			m.Name = c.Brand
		}
	}
	for i, f := range c.Form {
		if f.Mailbox != "" && !ids[f.Mailbox] {
			return fmt.Errorf("form.%d.mailbox: there is no mailbox %q", i, f.Mailbox)
		}
	}
	if err := c.finishWorkers(); err != nil {
		return err
	}
	for i, b := range c.Identity {
		if !ids[b.Mailbox] {
			return fmt.Errorf("identity.%d.mailbox: there is no mailbox %q", i, b.Mailbox)
		}
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		return fmt.Errorf("log.level: %q is none of debug, info, warn, error", c.Log.Level)
	}
	return nil
}

func validID(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-')
	})
}

func readSecret(into *string, file, key string) error {
	if file == "" {
		return nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s.password_file: %w", key, err)
	}
	*into = strings.TrimRight(string(b), "\r\n")
	return nil
}
