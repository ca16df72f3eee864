package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What is asked by an identifier.
const (
	createOnce  verb = "create-once" // If-None-Exist
	create      verb = "create"
	updateWhere verb = "update-where"
	patchWhere  verb = "patch-where"
	deleteWhere verb = "delete-where"
	deleteByID  verb = "delete-by-id" // something that carries the identifier
	searchFor   verb = "search"
)

// identifierPlace is all that carries an identifier. A state lists the living
// resources, id, version and text, in the order of their last change, which is the
// order in which a search shows them.
var identifierPlace = place{serveIdentifier, requestIdentifier, shownIdentifier}

func serveIdentifier(state string, c call) (string, heard) {
	living := strings.FieldsFunc(state, func(c rune) bool { return c == '/' })
	// changed is the state after one of them was changed or removed.
	changed := func(which int, to ...string) string {
		return strings.Join(append(slices.Delete(slices.Clone(living), which, which+1), to...), "/")
	}
	switch c.verb {
	case searchFor:
		return state, heard{status: 200, content: state}
	case deleteByID:
		for i, one := range living {
			if id, version := idAndVersion(one); id == c.id {
				return changed(i), heard{status: 204, version: version + 1}
			}
		}
		return state, heard{status: 204}
	}
	mayCreate := c.verb == create || c.verb == createOnce || c.verb == updateWhere
	switch {
	case len(living) == 0 && mayCreate, c.verb == create:
		created := "?" + c.text + "=1=" + c.text
		return strings.Join(append(living, created), "/"), heard{status: 201, version: 1, content: created}
	case len(living) > 1:
		return state, heard{status: 412}
	case len(living) == 0 && c.verb == deleteWhere:
		return state, heard{status: 204}
	case len(living) == 0:
		return state, heard{status: 404}
	}
	id, version := idAndVersion(living[0])
	switch c.verb {
	case createOnce:
		return state, heard{status: 200, version: version, content: living[0]}
	case deleteWhere:
		return "", heard{status: 204, version: version + 1}
	}
	updated := fmt.Sprintf("%s=%d=%s", id, version+1, c.text)
	return updated, heard{status: 200, version: version + 1, content: updated}
}

func idAndVersion(one string) (string, int) {
	id, rest, _ := strings.Cut(one, "=")
	version, _, _ := strings.Cut(rest, "=")
	number, _ := strconv.Atoi(version) // the model wrote it
	return id, number
}

func requestIdentifier(c call) (method, path, body string, headers []string) {
	const system = "urn:linear"
	criteria := "identifier=" + url.QueryEscape(system+"|"+c.place)
	resource := fmt.Sprintf(`{"resourceType":"Basic","identifier":[{"system":%q,"value":%q}],"code":{"text":%q}}`, system, c.place, c.text)
	switch c.verb {
	case create:
		return "POST", "/Basic", resource, nil
	case createOnce:
		return "POST", "/Basic", resource, []string{"If-None-Exist: " + criteria}
	case updateWhere:
		return "PUT", "/Basic?" + criteria, resource, nil
	case patchWhere:
		return "PATCH", "/Basic?" + criteria, fmt.Sprintf(`[{"op":"replace","path":"/code/text","value":%q}]`, c.text), []string{"Content-Type: " + jsonPatch}
	case deleteWhere:
		return "DELETE", "/Basic?" + criteria, "", nil
	case deleteByID:
		return "DELETE", "/Basic/" + c.id, "", nil
	}
	return "GET", "/Basic?_count=1000&" + criteria, "", nil
}

func shownIdentifier(c call, a answer) (string, error) {
	if a.status >= 300 || len(a.body) == 0 {
		return "", nil
	}
	shown, err := parseTree(a.body)
	if err != nil {
		return "", err
	}
	describe := func(resource *tree) string {
		return fmt.Sprintf("%s=%s=%s", resource.get("id").string(), resource.get("meta").get("versionId").string(), resource.get("code").get("text").string())
	}
	if c.verb != searchFor {
		return describe(shown), nil
	}
	var all []string
	for _, entry := range shown.get("entry").items() {
		all = append(all, describe(entry.get("resource")))
	}
	if total := shown.get("total").string(); total != strconv.Itoa(len(all)) {
		return "", fmt.Errorf("total %s of %d entries", total, len(all))
	}
	return strings.Join(all, "/"), nil
}
