package main

import (
	"fmt"
	"strconv"
	"strings"
)

// What is asked of one resource.
const (
	put             verb = "put"
	patch           verb = "patch"      // JSON Patch of the language, if the text is as given
	fhirPatch       verb = "fhir-patch" // FHIRPath Patch of the language
	remove          verb = "delete"
	erase           verb = "hard-delete"
	purge           verb = "purge-history"
	read            verb = "read"
	vread           verb = "vread"
	instanceHistory verb = "history"
	find            verb = "find" // search by _id
)

// resourcePlace is one resource. A state lists the contents of its versions,
// language and text; a deletion and a version whose content is gone have marks. No
// version, and there is no such resource.
var resourcePlace = place{serveResource, requestResource, shownResource}

const (
	deletion = "-"
	purged   = "~"
)

func serveResource(state string, c call) (string, heard) {
	versions := strings.FieldsFunc(state, func(c rune) bool { return c == '/' })
	current, last := len(versions), ""
	if current > 0 {
		last = versions[current-1]
	}
	living := current > 0 && last != deletion
	switch c.verb {
	case read:
		return state, showVersion(versions, current)
	case vread:
		return state, showVersion(versions, c.version)
	case find:
		if !living {
			return state, heard{status: 200}
		}
		return state, heard{status: 200, content: fmt.Sprintf("%d=%s", current, last)}
	case instanceHistory:
		return state, showHistory(versions)
	case erase:
		return "", heard{status: 204}
	case purge:
		for i := range versions[:max(current-1, 0)] {
			versions[i] = purged
		}
		return strings.Join(versions, "/"), heard{status: 204}
	case patch, fhirPatch:
		if !living {
			return state, showVersion(versions, current)
		}
	}
	switch {
	case c.match > 0 && current == 0:
		return state, heard{status: 404}
	case c.match > 0 && c.match != current, c.match == ifAbsent && living:
		return state, heard{status: 412}
	}
	content := c.language + "," + c.text
	switch c.verb {
	case remove:
		if !living {
			return state, heard{status: 204}
		}
		return strings.Join(append(versions, deletion), "/"), heard{status: 204, version: current + 1}
	case patch, fhirPatch:
		_, text, _ := strings.Cut(last, ",")
		if c.text != "" && c.text != text {
			return state, heard{status: 400}
		}
		content = c.language + "," + text
	}
	if living && content == last { // nothing changes
		return state, heard{status: 200, version: current, content: content}
	}
	status := 200
	if current == 0 {
		status = 201
	}
	return strings.Join(append(versions, content), "/"), heard{status: status, version: current + 1, content: content}
}

func showVersion(versions []string, version int) heard {
	switch {
	case version < 1 || version > len(versions) || versions[version-1] == purged:
		return heard{status: 404}
	case versions[version-1] == deletion:
		return heard{status: 410, version: version}
	}
	return heard{status: 200, version: version, content: versions[version-1]}
}

func showHistory(versions []string) heard {
	if len(versions) == 0 {
		return heard{status: 404}
	}
	var all []string
	for i, content := range versions {
		if content != purged {
			all = append(all, fmt.Sprintf("%d=%s", i+1, content))
		}
	}
	return heard{status: 200, content: strings.Join(all, "/")}
}

func requestResource(c call) (method, path, body string, headers []string) {
	path = "/Basic/" + c.place
	switch {
	case c.match > 0:
		headers = []string{fmt.Sprintf(`If-Match: W/"%d"`, c.match)}
	case c.match == ifAbsent:
		headers = []string{"If-None-Match: *"}
	}
	switch c.verb {
	case put:
		return "PUT", path, fmt.Sprintf(`{"resourceType":"Basic","id":%q,"language":%q,"code":{"text":%q}}`, c.place, c.language, c.text), headers
	case patch:
		test := ""
		if c.text != "" {
			test = fmt.Sprintf(`{"op":"test","path":"/code/text","value":%q},`, c.text)
		}
		return "PATCH", path, fmt.Sprintf(`[%s{"op":"replace","path":"/language","value":%q}]`, test, c.language), append(headers, "Content-Type: "+jsonPatch)
	case fhirPatch:
		return "PATCH", path, `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Basic.language"},{"name":"value","valueCode":"` + c.language + `"}]}]}`, headers
	case remove:
		return "DELETE", path, "", headers
	case erase:
		return "DELETE", path + "?hardDelete=true", "", nil
	case purge:
		return "DELETE", path + "/$purge-history", "", nil
	case vread:
		return "GET", path + "/_history/" + strconv.Itoa(c.version), "", nil
	case instanceHistory:
		return "GET", path + "/_history?_count=1000&_sort=_lastUpdated", "", nil
	case find:
		return "GET", "/Basic?_id=" + c.place, "", nil
	}
	return "GET", path, "", nil
}

func shownResource(c call, a answer) (string, error) {
	if a.status >= 300 || len(a.body) == 0 {
		return "", nil
	}
	shown, err := parseTree(a.body)
	if err != nil {
		return "", err
	}
	if c.verb != find && c.verb != instanceHistory {
		return contentOf(shown), nil
	}
	var all []string
	for _, entry := range shown.get("entry").items() {
		resource := entry.get("resource")
		if resource == nil {
			version := strings.Trim(entry.get("response").get("etag").string(), `W/"`)
			all = append(all, version+"="+deletion)
			continue
		}
		all = append(all, resource.get("meta").get("versionId").string()+"="+contentOf(resource))
	}
	if total := shown.get("total").string(); total != strconv.Itoa(len(all)) {
		return "", fmt.Errorf("total %s of %d entries", total, len(all))
	}
	return strings.Join(all, "/"), nil
}

func contentOf(resource *tree) string {
	return resource.get("language").string() + "," + resource.get("code").get("text").string()
}
