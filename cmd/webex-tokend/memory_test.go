package main

import (
	"math"
	"testing"
)

func TestGarbageIsCollectedLessOftenWhereMemoryHasALimitAndNobodySaidHow(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int64
		asked string
		want  bool
	}{
		{"a limit", 384 << 20, "", true},
		{"no limit", math.MaxInt64, "", false},
		{"a limit and GOGC", 384 << 20, "50", false},
		{"a limit and GOGC off", 384 << 20, "off", false},
	} {
		if percent, ok := collectAt(c.limit, c.asked); ok != c.want || ok && percent <= 100 {
			t.Errorf("%s: %d, %v", c.name, percent, ok)
		}
	}
}
