package events

import (
	"encoding/json"
	"fmt"
)

// Upcast lifts the decoded facts of one version to the next. It is pure: same
// document in, same document out.
type Upcast func(facts map[string]any) (map[string]any, error)

// upcastFacts lifts facts of the given version to the entry's current one.
func (ent *entry) upcastFacts(version int, facts []byte) ([]byte, error) {
	if version == ent.version || version == 0 {
		return facts, nil
	}
	if version > ent.version {
		return nil, fmt.Errorf("version %d is newer than %d, which this build knows", version, ent.version)
	}
	var doc map[string]any
	if err := json.Unmarshal(facts, &doc); err != nil {
		return nil, err
	}
	for v := version; v < ent.version; v++ {
		var err error
		if doc, err = ent.upcasts[v-1](doc); err != nil {
			return nil, fmt.Errorf("upcast from version %d: %w", v, err)
		}
	}
	return json.Marshal(doc)
}
