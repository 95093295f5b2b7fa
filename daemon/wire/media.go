package wire

// Media types of bodies that are not plain application/json.
const (
	// ProblemType is that of a Problem, RFC 9457.
	ProblemType = "application/problem+json"
	// LinesType is that of one JSON value a line, both ways of a bulk import.
	LinesType = "application/x-ndjson"
)
