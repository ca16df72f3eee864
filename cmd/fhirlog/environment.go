package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environmentPrefix begins the names of all settings in the environment.
const environmentPrefix = "FHIRLOG_"

// refuseUnknownEnvironment stops the start for a setting that nobody reads: a
// misspelt name must not pass for the default.
func refuseUnknownEnvironment(app *kong.Application, environ []string) error {
	known := knownSettings(app.Node)
	for _, setting := range environ {
		name, _, _ := strings.Cut(setting, "=")
		if strings.HasPrefix(name, environmentPrefix) && !slices.Contains(known, name) {
			slices.Sort(known)
			return fmt.Errorf("the environment sets %s, which fhirlog does not know; it knows %s", name, strings.Join(slices.Compact(known), ", "))
		}
	}
	return nil
}

func knownSettings(node *kong.Node) []string {
	var names []string
	for _, flag := range node.Flags {
		names = append(names, flag.Envs...)
	}
	for _, child := range node.Children {
		names = append(names, knownSettings(child)...)
	}
	return names
}
