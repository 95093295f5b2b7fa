package web

// Patterns are those of all routes.
func Patterns() []string {
	var list []string
	for _, r := range routes() {
		list = append(list, r.pattern)
	}
	return list
}
