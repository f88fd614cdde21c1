package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Intake is a large mailbox on its way through the whole hub. Memory is the
// hub's proportional share (PSS), in MiB, looked at every second.
type Intake struct {
	Mails   int       `json:"mails"`
	MiB     float64   `json:"mib"`
	Seconds float64   `json:"seconds"`
	MiBPerS float64   `json:"mib_per_s"`
	Rate    float64   `json:"mails_per_s"`
	Idle    float64   `json:"idle_pss_mib"`
	PSS     []float64 `json:"pss_mib_in_each_tenth"` // the most; flat when memory does not depend on the mailbox
	Mean    []float64 `json:"mean_pss_mib_in_each_tenth"`
	// Slope is what a line through the samples behind the first tenth rises by, in
	// MiB of memory, for each GiB of mail and for each 100,000 mails.
	SlopeGiB   float64 `json:"slope_mib_per_gib"`
	SlopeMails float64 `json:"slope_mib_per_100k_mails"`
	Peak       float64 `json:"peak_rss_mib"`
	Disk       float64 `json:"data_mib"` // of the hub's folder at the end
}

// intake runs the built hub in front of a mailbox of mib megabytes in mails of
// kib kilobytes on average, and watches its memory.
func intake(ctx context.Context, mib, kib int) (*Intake, error) {
	dir, err := os.MkdirTemp("", "hub-bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	least := max(1, kib<<10/12)
	box, err := startBigMailbox(ctx, max(1, mib<<10/kib), least, kib<<11-least)
	if err != nil {
		return nil, err
	}
	defer box.stop()
	h, err := prepare(ctx, filepath.Join(dir, "hub"), []string{
		"HUB_MAILBOX_0_ID=support", "HUB_MAILBOX_0_ADDRESS=support@hub.test", "HUB_MAILBOX_0_HOST=127.0.0.1",
		fmt.Sprintf("HUB_MAILBOX_0_PORT=%d", box.port()), "HUB_MAILBOX_0_TLS=none", "HUB_MAILBOX_0_PASSWORD=x",
		"HUB_DESK_ACKNOWLEDGE=false", "HUB_LOG_LEVEL=warn",
	})
	if err != nil {
		return nil, err
	}
	in := &Intake{Mails: len(box.sizes), MiB: float64(box.total()) / (1 << 20), PSS: make([]float64, 10), Mean: make([]float64, 10)}
	began := time.Now()
	if _, err := h.start(ctx); err != nil {
		return nil, err
	}
	defer h.stop()
	in.Idle, _ = memory(h.cmd.Process.Pid)
	if err := in.watch(ctx, h); err != nil {
		return nil, err
	}
	in.Seconds = time.Since(began).Seconds()
	in.MiBPerS, in.Rate = in.MiB/in.Seconds, float64(in.Mails)/in.Seconds
	_, in.Peak = memory(h.cmd.Process.Pid)
	in.Disk = folder(dir)
	return in, nil
}

// watch looks at the memory until every mail is a ticket.
func (in *Intake) watch(ctx context.Context, h *hub) error {
	var line regression
	n, samples, shown := 0, make([]int, 10), 0
	for n < in.Mails {
		var err error
		if n, err = h.tickets(ctx); err != nil {
			return err
		}
		pss, _ := memory(h.cmd.Process.Pid)
		tenth := min(9, n*10/in.Mails)
		in.PSS[tenth] = max(in.PSS[tenth], pss)
		samples[tenth]++
		in.Mean[tenth] += (pss - in.Mean[tenth]) / float64(samples[tenth])
		if tenth > 0 {
			line.add(float64(n), pss)
		}
		if tenth > shown {
			shown = tenth
			fmt.Fprintf(os.Stderr, "%d of %d mails, %.0f MiB of memory\n", n, in.Mails, pss)
		}
		time.Sleep(min(time.Second, time.Duration(in.Mails)*10*time.Millisecond)) //nolint:forbidigo // a benchmark polls from outside
	}
	in.SlopeMails = line.slope() * 100_000
	in.SlopeGiB = line.slope() * float64(in.Mails) / (in.MiB / 1024)
	return nil
}

// regression is a straight line through points, by least squares.
type regression struct{ n, x, y, xx, xy float64 }

func (r *regression) add(x, y float64) {
	r.n, r.x, r.y, r.xx, r.xy = r.n+1, r.x+x, r.y+y, r.xx+x*x, r.xy+x*y
}

func (r *regression) slope() float64 {
	if d := r.n*r.xx - r.x*r.x; d > 0 {
		return (r.n*r.xy - r.x*r.y) / d
	}
	return 0
}

// folder is what the files below dir take, in MiB.
func folder(dir string) (mib float64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a file that went meanwhile takes nothing
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			mib += float64(info.Size()) / (1 << 20)
		}
		return nil
	})
	return mib
}
