// Package ops is the private listener for operators and their machines:
// /healthz (the process lives), /readyz (it can do its work, with the reason
// when it cannot) and /metrics (Prometheus).
//
// It promises to answer within two seconds whatever hangs behind a check, and
// that no label or text it shows holds personal data. It has no authentication:
// it is bound to an address that only operators reach, never to the console's.
package ops
