package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/store"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/gateway/api"
	"github.com/westshore/hub/services/privacy"
	"github.com/westshore/hub/services/privacy/erasure"
	"github.com/westshore/hub/services/privacy/retention"
)

// retentionRooms is the part of the privacy office that keeps the registry and
// ends data when their time has come.
type retentionRooms struct {
	registry  *privacy.Registry
	anchors   *retention.Anchors
	retention *retention.Engine
}

// openRegistry reads the registry; from here on every event carries the policy in
// force at its time, and the vault knows how long everything is kept.
func (h *house) openRegistry(ctx context.Context) (err error) {
	h.registry, err = privacy.Open(ctx, privacy.Config{
		Journal: h.journal, Processors: h.firstProcessors(), Material: h.tellPolicy, Logger: h.log,
		Scheduled: func(ctx context.Context, s events.RetentionScheduleChanged) error {
			compiled, err := privacy.Compile(s)
			if err != nil {
				return err
			}
			return h.vault.SetSchedule(ctx, compiled)
		},
		InForce: func(ctx context.Context, p events.PolicyVersionPublished) error {
			if p.Policy == events.PolicyVersion {
				return nil // the vault was built with it
			}
			return h.vault.SetPolicy(ctx, privacy.Matrix(p))
		},
	})
	if err != nil {
		return err
	}
	h.journal.StampWith(h.registry.Stamp)
	return h.registerRecipients(ctx)
}

// openRetention makes the retention engine, once the ledger is open.
func (h *house) openRetention() {
	h.anchors = retention.NewAnchors(h.journal, h.vault, h.log)
	h.retention = retention.New(retention.Config{
		Journal: h.journal, Vault: h.vault, Anchors: h.anchors, Schedule: h.schedule, Purge: h.purgeViews,
		Reclaim: h.reclaim(), Independent: h.independent, Hour: 2, Logger: h.log,
		Destroy: func(ctx context.Context, order events.UUID, due time.Time, keys []vault.Info) (vault.Destroyed, error) {
			done, err := h.ledger.Destroy(ctx, order, vault.CauseRetention, due, erasure.Targets(keys))
			return done.Destroyed, err
		},
		Sources: []retention.Source{{Name: "store", Time: h.storeTime}, {Name: "bus", Time: h.bus.Time}},
	})
}

func (h *house) schedule() events.RetentionScheduleChanged {
	return h.registry.Now().Schedule().RetentionScheduleChanged
}

// serveRetention starts the loops.
func (h *house) serveRetention(start func(string, func(context.Context) error)) {
	start("registry", h.registry.Run)
	start("anchors", h.anchors.Run)
	start("retention", func(ctx context.Context) error {
		// A sweep is told to views that have read the log.
		if err := h.caughtUp(ctx); err != nil {
			return err
		}
		return h.retention.Run(ctx)
	})
}

// purgeViews brings what every view keeps of some people to today's keys.
func (h *house) purgeViews(ctx context.Context, people []events.SubjectID) error {
	for _, r := range h.runners {
		if _, err := r.PurgeAll(ctx, people); err != nil {
			return err
		}
	}
	return nil
}

// storeTime has the event store write something, and tells when it says that was.
func (h *house) storeTime(ctx context.Context) (at time.Time, err error) {
	if err := h.journal.Advance(ctx, "clock", events.Start); err != nil {
		return at, fmt.Errorf("ask the event store for its time: %w", err)
	}
	err = h.store.ReadStreamBackwards(ctx, string(events.CheckpointStream("clock")), 1, func(r store.Recorded) error {
		at = r.Created
		return nil
	})
	if err == nil && at.IsZero() {
		err = errors.New("it tells none")
	}
	if err != nil {
		return at, fmt.Errorf("ask the event store for its time: %w", err)
	}
	return at, nil
}

// tellPolicy has a material change of the policy told to everybody. It is asked
// again every minute until the version is in force; what fails waits for that.
func (h *house) tellPolicy(ctx context.Context, p events.PolicyVersionPublished) error {
	err := h.caughtUp(ctx) // who came in just now is somebody to be told
	if err == nil {
		err = h.disclosure.TellPolicy(ctx, p)
	}
	if err != nil && ctx.Err() == nil {
		h.log.Error("not everybody is told of a change of the policy yet", "policy", p.Policy, "error", err)
	}
	return nil
}

// firstProcessors are the servers that the configuration names and that are not
// on this machine: they get data, so they are recipients. What only the
// controller knows is marked as missing.
func (h *house) firstProcessors() []events.ProcessorRegistered {
	var out []events.ProcessorRegistered
	const missing = "not recorded yet"
	add := func(id, service, host string, categories []events.Category, purposes ...events.Purpose) {
		if here(host) {
			return
		}
		if i := slices.IndexFunc(out, func(p events.ProcessorRegistered) bool { return string(p.Processor) == id }); i >= 0 {
			if !slices.Contains(out[i].Hosts, host) {
				out[i].Hosts = append(out[i].Hosts, host)
			}
			return
		}
		out = append(out, events.ProcessorRegistered{
			Processor: events.ProcessorID(id), Name: host, Service: service, Hosts: []string{host}, Categories: categories, Purposes: purposes,
			Country: "ZZ", Safeguard: missing, Agreement: missing, Erasure: missing,
		})
	}
	add(relayID, "sends our mail", h.cfg.SMTP.Host, letters, events.PurposeSupport, events.PurposeAdmin, events.PurposePromotion, events.PurposeDSR)
	for _, m := range h.cfg.Mailbox {
		add("mail-provider", "holds our mailboxes", m.Host, letters, events.PurposeSupport)
	}
	for _, w := range h.cfg.Worker {
		out = append(out, events.ProcessorRegistered{
			Processor: events.ProcessorID(workerID(w.Name)), Name: w.Name, Service: "delivers our messages, from a process of its own",
			Categories: letters, Purposes: []events.Purpose{events.PurposeSupport, events.PurposeAdmin, events.PurposePromotion},
			Country: "ZZ", Safeguard: missing, Agreement: missing, Erasure: missing,
		})
	}
	return out
}

// here reports whether a host is this machine, or none.
func here(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && ip.IsLoopback() || strings.HasSuffix(host, ".localhost")
}

// retentionRoom is what reception shows of the registry and the engine.
func (h *house) retentionRoom() *api.RetentionRoom {
	return &api.RetentionRoom{
		Registry: h.registry, Engine: h.retention, Identity: h.identity(), KeepUntil: h.vault.Expiries, Census: h.vault.Census,
		Effects: func(ctx context.Context, s events.RetentionScheduleChanged) ([]api.ScheduleEffect, error) {
			effects, err := h.effects(ctx, s)
			out := make([]api.ScheduleEffect, len(effects))
			for i, e := range effects {
				out[i] = api.ScheduleEffect(e)
			}
			return out, err
		},
	}
}

// effects says what a schedule would change, in the order of its rules.
func (h *house) effects(ctx context.Context, s events.RetentionScheduleChanged) ([]vault.Effect, error) {
	compiled, err := privacy.Compile(s)
	if err != nil {
		return nil, err
	}
	byClass, err := h.vault.TrySchedule(ctx, compiled, time.Now())
	if err != nil {
		return nil, err
	}
	var out []vault.Effect
	for _, r := range s.Rules {
		if e, ok := byClass[r.Class]; ok {
			out = append(out, e)
		}
	}
	return out, nil
}

func (h *house) identity() privacy.Identity {
	return privacy.Identity{Controller: h.cfg.Privacy.Controller, Contact: h.cfg.Privacy.Contact}
}

// reclaim frees what archived tickets took. On a cluster its operators scavenge.
func (h *house) reclaim() *retention.Reclaim {
	r := &retention.Reclaim{
		Files: func(ctx context.Context, digests []events.Hash) error {
			for _, d := range digests {
				if err := h.blobs.Delete(ctx, d); err != nil && !errors.Is(err, os.ErrNotExist) {
					return err
				}
			}
			return nil
		},
		Cut: func(ctx context.Context, stream events.Stream, before events.Revision) error {
			m, at, err := h.store.Metadata(ctx, string(stream))
			if err != nil || m.TruncateBefore >= before {
				return err
			}
			m.TruncateBefore = before
			return h.store.SetMetadata(ctx, string(stream), at, m)
		},
	}
	if h.node != nil {
		r.Scavenge = func(ctx context.Context) error {
			_, err := h.node.Scavenge(ctx, nil)
			return err
		}
	}
	return r
}
