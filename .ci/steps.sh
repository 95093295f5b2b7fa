# Sourced by run and nightly: steps with a headline and the time they took.

passed=0
failed=()

# step TITLE COMMAND [ARG...] runs a command and goes on after a failure.
step() {
	local title=$1 begin=$SECONDS
	shift
	printf '\n=== %s\n' "$title"
	if "$@"; then
		passed=$((passed + 1))
		printf -- '--- passed in %d s: %s\n' "$((SECONDS - begin))" "$title"
	else
		failed+=("$title")
		printf -- '--- FAILED after %d s: %s\n' "$((SECONDS - begin))" "$title"
	fi
}

# finish prints the result as the last line, after what failed.
finish() {
	printf '\n'
	((${#failed[@]} == 0)) || printf 'failed: %s\n' "${failed[@]}"
	printf 'in %d s:\n%d passed, %d failed\n' "$SECONDS" "$passed" "${#failed[@]}"
	((${#failed[@]} == 0))
}

# fuzz DURATION runs every fuzz target of the module for that long. A worker that
# is still busy when the time is over makes go test fail with the deadline and
# nothing else: then no input has failed.
fuzz() {
	local folder target result=0
	while read -r folder; do
		for target in $(go test -list '^Fuzz' "./$folder" | grep '^Fuzz'); do
			printf '%s %s\n' "$folder" "$target"
			go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$folder" >"$scratch/fuzz" 2>&1 || {
				if grep -q 'context deadline exceeded' "$scratch/fuzz" && ! grep -q 'Failing input' "$scratch/fuzz"; then
					continue
				fi
				cat "$scratch/fuzz"
				result=1
			}
		done
	done < <(git grep -l '^func Fuzz' -- '*_test.go' | xargs -r dirname | sort -u)
	return $result
}
