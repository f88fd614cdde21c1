package privacy

import (
	"cmp"
	"slices"
)

// MinimumGroup is the fewest people that a published number may be about.
const MinimumGroup = 10

// Suppress is how numbers about people leave the house for the purpose
// "improve" (policy clause 2.1): a cell about fewer than k people is taken out.
// When exactly one cell goes, the next smallest goes with it, or the total would
// give it away. Counts are numbers of different people, not of events.
func Suppress[K cmp.Ordered](k int64, cells map[K]int64) (published map[K]int64, suppressed int) {
	published = map[K]int64{}
	var small, large []K
	for key, n := range cells {
		switch {
		case n <= 0:
		case n < k:
			small = append(small, key)
		default:
			large = append(large, key)
		}
	}
	slices.SortFunc(large, func(a, b K) int { return cmp.Or(cmp.Compare(cells[a], cells[b]), cmp.Compare(a, b)) })
	if len(small) == 1 && len(large) > 0 {
		small, large = append(small, large[0]), large[1:]
	}
	for _, key := range large {
		published[key] = cells[key]
	}
	return published, len(small)
}
