package events

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// painted is an event that has had two earlier shapes.
type painted struct {
	Colour string   `json:"colour"`
	Coats  int      `json:"coats"`
	By     []string `json:"by"`
}

func (painted) event() {}

func TestOldVersionsAreLiftedStepByStep(t *testing.T) {
	names, _ := index([]entry{{name: "Painted", version: 3, of: painted{}, family: "wall", upcasts: []Upcast{
		func(f map[string]any) (map[string]any, error) { f["coats"] = 1; return f, nil },
		func(f map[string]any) (map[string]any, error) {
			who, ok := f["by"].(string)
			if !ok {
				return nil, errors.New("by is no text")
			}
			f["by"] = []string{who}
			return f, nil
		},
	}}})
	ent := names["Painted"]
	want := `{"by":["ada"],"coats":1,"colour":"red"}`
	for version, doc := range map[int]string{
		1: `{"colour":"red","by":"ada"}`,
		2: `{"colour":"red","coats":1,"by":"ada"}`,
		3: want,
	} {
		got, err := ent.upcastFacts(version, []byte(doc))
		if err != nil {
			t.Errorf("version %d: %v", version, err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("version %d: %s", version, diff)
		}
	}
	for version, doc := range map[int]string{4: want, 1: `{"by":7}`} {
		if _, err := ent.upcastFacts(version, []byte(doc)); err == nil {
			t.Errorf("version %d of %s was read", version, doc)
		}
	}
}
