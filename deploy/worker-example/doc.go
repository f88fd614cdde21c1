// Package workerexample holds a notification worker in another language: a few
// lines of JavaScript for Node 20 that speak the contract of services/worker over
// plain HTTP, without any package. It puts each message into a folder; a real one
// would hand it to a provider. A second program receives signed webhooks and checks
// them. The test drives both against a hub.
//
// It promises what a worker has to: the message is fetched once, "started" is said
// before the step that cannot be taken back, and the result is handed in until the
// hub has it. It never keeps a message in memory for longer than it takes.
package workerexample
