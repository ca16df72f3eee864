package main

import (
	"context"
	"errors"

	"fhirlog/httpapi"
)

// greatestLag is how many records the projections may be behind before the node
// calls itself unhealthy.
const greatestLag = 1_000_000

// healthChecks are the lines of /health/check.
func (n *node) healthChecks() []httpapi.HealthCheck {
	return []httpapi.HealthCheck{
		{Name: "log", Check: func(context.Context) error {
			select {
			case err := <-n.ended:
				n.ended <- err
				return errors.New("the log or its applier has stopped")
			default:
				return nil
			}
		}},
		{Name: "disk", Check: func(context.Context) error { return judgeRoom(n.log.Room()) }},
		{Name: "files", Check: func(context.Context) error {
			if n.damaged.Load() {
				return errors.New("a file of the log or of the projections is damaged; the server's log says which")
			}
			return nil
		}},
		{Name: "proofs", Check: func(context.Context) error {
			if n.notary.Failing() != nil {
				return errors.New("checkpoints of the log cannot be made; the server's log says why")
			}
			return nil
		}},
		{Name: "key", Check: n.keyCheck.health},
		{Name: "projections", Check: func(context.Context) error {
			if uint64(n.log.Durable())-n.projections.Applied() > greatestLag {
				return errors.New("the projections are far behind the log")
			}
			return nil
		}},
	}
}
