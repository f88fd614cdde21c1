package main

import "context"

// privacyOffice opens the rooms of the privacy office. It runs after the views
// are open and before the people come; each part adds its line.
func (h *house) privacyOffice(ctx context.Context) error {
	if err := h.openRegistry(ctx); err != nil {
		return err
	}
	h.openRetention()
	h.openErasure()
	h.openRights()
	return nil
}

// servePrivacy starts the loops of the privacy office; each part adds its line.
func (h *house) servePrivacy(start func(name string, loop func(context.Context) error)) {
	start("vault", h.keepVault)
	h.serveRetention(start)
	start("erasure", h.runErasure)
	h.serveRights(start)
}
