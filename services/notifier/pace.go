package notifier

import (
	"sync"
	"time"

	"github.com/westshore/hub/events"
)

// Pacing says how fast mail may go out. Zero values are the defaults.
type Pacing struct {
	// InFlight bounds the messages that are claimed and have no result. Zero is 32.
	InFlight int
	// Start is how many messages a minute a domain gets that nothing is known of,
	// and how many at once. Zero is 20. It grows by a tenth with every success, up
	// to Ceiling, and is halved when the other side finds us too fast.
	Start float64
	// Ceiling is the most a domain gets in a minute. Zero is 60,000.
	Ceiling float64
	// Parallel is how many messages to a domain may be under way at first. Zero is
	// 2. It grows by one with every fifth success, up to half of InFlight, so that
	// one slow domain never holds all.
	Parallel int
}

func (p Pacing) withDefaults() Pacing {
	if p.InFlight == 0 {
		p.InFlight = 32
	}
	if p.Start == 0 {
		p.Start = 20
	}
	if p.Ceiling == 0 {
		p.Ceiling = 60_000
	}
	if p.Parallel == 0 {
		p.Parallel = 2
	}
	return p
}

// pace keeps the speed of every domain and of the way to the mail server
// (MAIL O6, O9). What it knows is learned again after a restart; when a message
// may be tried again stands in the log.
type pace struct {
	cfg Pacing

	mu      sync.Mutex
	domains map[events.Hash]*domain
	out     map[events.OutboundID]flight
	held    time.Time // the mail server is away or refuses us: nothing but a probe before then
	probing bool      // after held, until one message had another outcome
	stirred chan struct{}
}

// domain is one recipient domain's token bucket and concurrency.
type domain struct {
	tokens   float64
	rate     float64 // tokens a minute
	parallel int
	under    int // messages under way
	wins     int // successes since parallel grew
	rest     time.Time
	at       time.Time // tokens were counted
}

// flight is a message that is claimed and has no result.
type flight struct {
	domain events.Hash
	until  time.Time // its lease
}

const (
	growth   = 1.1
	restTime = time.Minute // a domain that finds us too fast gets nothing
	idleTime = time.Hour   // then a domain is unknown again
	maxKnown = 20_000      // domains; more are forgotten early
)

func newPace(cfg Pacing) *pace {
	return &pace{
		cfg: cfg.withDefaults(), domains: map[events.Hash]*domain{}, out: map[events.OutboundID]flight{}, stirred: make(chan struct{}, 1),
	}
}

// room is how many more messages a domain may be given now.
func (p *pace) room(d events.Hash, now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roomOf(d, now)
}

func (p *pace) roomOf(d events.Hash, now time.Time) int {
	free := p.free(now)
	k, known := p.domains[d]
	if !known {
		return max(0, min(free, p.cfg.Parallel, int(p.cfg.Start)))
	}
	k.refill(now)
	if now.Before(k.rest) {
		return 0
	}
	return max(0, min(free, k.parallel-k.under, int(k.tokens)))
}

// free is how many messages may be claimed at all.
func (p *pace) free(now time.Time) int {
	switch {
	case now.Before(p.held):
		return 0
	case p.probing:
		return 1 - len(p.out)
	}
	return p.cfg.InFlight - len(p.out)
}

// full reports whether nothing more may be claimed now, whatever waits.
func (p *pace) full(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	return p.free(now) <= 0
}

// take counts a message as under way; false when there is no room for it, or it
// is under way already.
func (p *pace) take(id events.OutboundID, d events.Hash, now, lease time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.out[id]; there || p.roomOf(d, now) < 1 {
		return false
	}
	k := p.domains[d]
	if k == nil {
		if len(p.domains) >= maxKnown {
			p.forget(now)
		}
		k = &domain{tokens: p.cfg.Start, rate: p.cfg.Start, parallel: p.cfg.Parallel, at: now}
		p.domains[d] = k
	}
	k.tokens--
	k.under++
	p.out[id] = flight{d, lease}
	return true
}

// back ends a message's being under way without a verdict on the domain.
func (p *pace) back(id events.OutboundID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.land(id)
}

func (p *pace) land(id events.OutboundID) *domain {
	f, there := p.out[id]
	if !there {
		return nil
	}
	delete(p.out, id)
	select {
	case p.stirred <- struct{}{}:
	default:
	}
	k := p.domains[f.domain]
	if k != nil {
		k.under--
	}
	return k
}

// learn takes the result of an attempt to heart. class is empty for a message
// that was accepted.
func (p *pace) learn(id events.OutboundID, class string, until, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ours := p.out[id]
	k := p.land(id)
	switch class {
	case ClassHost, ClassLogin:
		if ours {
			p.held, p.probing = until, true
		}
		return
	case ClassLost, ClassCrash: // says nothing of the server
		return
	}
	if ours {
		p.held, p.probing = time.Time{}, false
	}
	if k == nil {
		return
	}
	switch class {
	case ClassRate:
		k.refill(now)
		k.rate, k.tokens = max(k.rate/2, 1), min(k.tokens, 1)
		k.parallel, k.wins, k.rest = max(k.parallel/2, 1), 0, now.Add(restTime)
	case "":
		k.rate = min(k.rate*growth, p.cfg.Ceiling)
		if k.wins++; k.wins >= 5 {
			k.parallel, k.wins = min(k.parallel+1, max(p.cfg.InFlight/2, p.cfg.Parallel)), 0
		}
	}
}

// next is when room may come back by itself, at most a second from now.
func (p *pace) next(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.held.Sub(now); d > 0 {
		return min(d, time.Second)
	}
	wait := time.Second
	for _, k := range p.domains {
		if k.tokens < 1 {
			wait = min(wait, time.Duration((1-k.tokens)/k.rate*float64(time.Minute)))
		}
	}
	return max(wait, 5*time.Millisecond)
}

// expire drops what never came back, so that a lost result does not take a place
// for ever.
func (p *pace) expire(now time.Time) {
	for id, f := range p.out {
		if now.After(f.until) {
			p.land(id)
		}
	}
}

// forget drops domains that rest, or else any, to bound memory.
func (p *pace) forget(now time.Time) {
	for d, k := range p.domains {
		if k.under == 0 && now.Sub(k.at) > idleTime {
			delete(p.domains, d)
		}
	}
	for d, k := range p.domains {
		if len(p.domains) < maxKnown {
			return
		}
		if k.under == 0 {
			delete(p.domains, d)
		}
	}
}

// refill adds the tokens that time brought, at most a minute's worth.
func (k *domain) refill(now time.Time) {
	if d := now.Sub(k.at); d > 0 {
		k.tokens = min(k.tokens+d.Minutes()*k.rate, max(k.rate, 1))
		k.at = now
	}
}

// stopped reports whether the mail server is away or refuses us.
func (p *pace) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probing
}
