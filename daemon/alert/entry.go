package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"time"

	"webex-tokend/daemon/duration"
)

// An entry is one trouble of one subject, together with what each way of
// telling has told of it. Telling means to make the second follow the first:
// whatever goes wrong in between, a restart, a webhook that is away, a time that
// passed while the daemon was down, what is owed shows from the entry alone.
type entry struct {
	// Since is when it came up, this time.
	Since time.Time `json:"since"`
	// Over is since when it is no more; zero: it is there.
	Over time.Time `json:"over,omitzero"`
	// Stage is how far it has come: the time left until the worst, as reached by
	// the list in the configuration. The smaller the worse. In nanoseconds.
	Stage time.Duration `json:"stage"`
	// Times counts how often it came up. Again counts how often something that
	// was told of it came to be news once more, which needs another ID.
	Times int `json:"times"`
	Again int `json:"again,omitempty"`
	// Told is, by way, the stage that was told last; absent: as far as those know
	// who are told that way, all is well.
	Told map[string]time.Duration `json:"told,omitempty"`

	kind    Kind
	subject string // of a grant or an integration, its name
	about   about
	tried   map[string]time.Time // by way: the last delivery that failed
}

// An about describes a trouble as it was seen last.
type about struct {
	Integration string
	State       string
	Reason      string
	Ends        *time.Time
	Assumed     bool // no answer has told when it ends
	Static      bool // nobody can refresh it
	Action      string
	Count       int      // of the grants in it, where it is not of one
	Grants      []string // some of them
}

// Bounds of flapping: a trouble that comes up again within a day is over only
// when it has stayed away for a while, and each time it has to be longer.
const (
	remembered = 24 * time.Hour
	leastCalm  = 10 * time.Minute
	mostCalm   = 12 * time.Hour
)

func (e *entry) key() string { return keyOf(e.kind, e.subject) }

func keyOf(k Kind, subject string) string { return string(k) + "/" + subject }

// raise notes that the trouble is there, and tells whether that changes the
// entry.
func (e *entry) raise(stage, left time.Duration, now time.Time) (changed bool) {
	if e.Since.IsZero() || !e.Over.IsZero() {
		changed = true
		e.Times++
		if len(e.Told) == 0 {
			e.Since, e.Again = now, 0
		} else {
			// Some may have been told that it was over, others not yet.
			e.Again++
		}
		e.Over = time.Time{}
	}
	if e.Stage != stage {
		e.Stage, changed = stage, true
	}
	// The end has moved away, or the clock was wrong: what was told is to be told
	// again when its time comes. An end that wavers by seconds is no move.
	moved := false
	for way, told := range e.Told {
		if stage > told && left > told+min(max(told, time.Minute), time.Hour) {
			e.Told[way], moved = stage, true
		}
	}
	if moved {
		e.Again++
	}
	return changed || moved
}

// clear notes that the trouble is over. What ended in the future did so under a
// clock that has been set back since, and must not keep anybody waiting.
func (e *entry) clear(now time.Time) (changed bool) {
	if !e.Over.IsZero() && !e.Over.After(now) {
		return false
	}
	e.Over = now
	return true
}

// calm is how long it has to be over before that is told.
func (e *entry) calm() time.Duration {
	if e.Times < 2 {
		return 0
	}
	return min(leastCalm<<min(e.Times-2, 16), mostCalm)
}

// owes reports whether there is something that a way has not told: that it is
// there, worse than before, or over.
func (e *entry) owes(way string, now time.Time) bool {
	told, known := e.Told[way]
	if e.Over.IsZero() {
		return !known || e.Stage < told
	}
	return known && now.Sub(e.Over) >= e.calm()
}

// tell notes what a way has told.
func (e *entry) tell(way string, stage time.Duration, over bool) {
	delete(e.tried, way)
	if over {
		delete(e.Told, way)
		return
	}
	if e.Told == nil {
		e.Told = make(map[string]time.Duration)
	}
	e.Told[way] = stage
}

// forget drops what ways have told that are no longer used.
func (e *entry) forget(used func(way string) bool) (changed bool) {
	before := len(e.Told)
	maps.DeleteFunc(e.Told, func(way string, _ time.Duration) bool { return !used(way) })
	return len(e.Told) != before
}

// spent reports whether nothing is left to tell, or nobody to tell it to for a week.
func (e *entry) spent(now time.Time, crowded bool) bool {
	if e.Over.IsZero() {
		return false
	}
	age := now.Sub(e.Over)
	return age > 7*remembered || len(e.Told) == 0 && (crowded || age > remembered)
}

// incident is the same from the first alert to the recovery.
func (e *entry) incident() string {
	return digest(fmt.Sprintf("%s %d", e.key(), e.Since.UnixMilli()))
}

// id is the same whenever the same thing is told again.
func (e *entry) id() string {
	id := e.incident() + "-over"
	if e.Over.IsZero() {
		id = e.incident() + "-" + duration.Format(e.Stage)
	}
	if e.Again > 0 {
		id += fmt.Sprintf("-%d", e.Again)
	}
	return id
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
