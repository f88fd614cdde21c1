package main

// retentionCommands are the commands of the registry and of the retention
// engine.
func retentionCommands() map[string]privacyCommand {
	return map[string]privacyCommand{}
}
