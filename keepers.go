package main

import (
	"context"
	"errors"
	"fmt"

	"gocloud.dev/secrets"
	_ "gocloud.dev/secrets/awskms"        // awskms://
	_ "gocloud.dev/secrets/azurekeyvault" // azurekeyvault://
	_ "gocloud.dev/secrets/gcpkms"        // gcpkms://
	_ "gocloud.dev/secrets/hashivault"    // hashivault://
	_ "gocloud.dev/secrets/localsecrets"  // base64key://

	"github.com/westshore/hub/events/vault"
)

// openVault opens the vault, with a key management service as the keeper of its
// root key where the configuration names one.
func (h *house) openVault(ctx context.Context, gated bool) error {
	cfg := vault.Config{Dir: h.dir("vault"), KeyFile: h.cfg.Vault.KeyFile, Gated: gated, Logger: h.log}
	if h.cfg.Vault.RootURL != "" {
		keeper, err := secrets.OpenKeeper(ctx, h.cfg.Vault.RootURL)
		if err != nil {
			// Not wrapped: the error quotes the URL, and a base64key:// URL is the key.
			return errors.New("open vault: vault.root_url is not the URL of a key management service")
		}
		cfg.RootSeal, cfg.RootOpen = keeper.Encrypt, keeper.Decrypt
		h.onClose(func() { _ = keeper.Close() })
	}
	v, err := vault.Open(ctx, cfg)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	h.vault = v
	h.onClose(func() { _ = v.Close() })
	return nil
}
