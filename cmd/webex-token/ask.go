package main

import (
	"bytes"
	"strconv"
	"syscall"
	"time"
)

// longestAnswer is how long an answer is waited for: the daemon answers within
// 35 s where it refreshes first.
const longestAnswer = 40 // seconds

// answerLimit bounds what is read; a token is far below it.
const answerLimit = 1 << 20

// ask sends the one request of this program. It speaks HTTP by itself and calls
// the kernel directly: package net alone would cost as much as the whole rest.
// Not ok means that there is no token, for whatever reason.
func ask(socket string, q query) (body []byte, ok bool) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, false
	}
	defer syscall.Close(fd)
	timeout := &syscall.Timeval{Sec: longestAnswer}
	for _, option := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, option, timeout) != nil {
			return nil, false
		}
	}
	// Interrupted, it may stand all the same: webex-tokend begins anew.
	if syscall.Connect(fd, &syscall.SockaddrUnix{Name: socket}) != nil {
		return nil, false
	}
	if !send(fd, request(q)) {
		return nil, false
	}
	return receive(fd)
}

// request asks for the bare token, or for all that JSON has of it.
func request(q query) []byte {
	b := append([]byte("GET /v1/grants/"), q.grant...)
	b = append(b, "/token"...)
	if q.minValid > 0 {
		b = append(b, "?min_valid="...)
		b = strconv.AppendInt(b, int64((q.minValid+time.Second-1)/time.Second), 10)
	}
	b = append(b, " HTTP/1.1\r\nHost: webex-tokend\r\nConnection: close\r\nAccept: "...)
	if q.format == "json" {
		b = append(b, "application/json"...)
	} else {
		b = append(b, "text/plain"...)
	}
	return append(b, "\r\n\r\n"...)
}

func send(fd int, b []byte) (ok bool) {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		switch {
		case err == syscall.EINTR:
		case err != nil || n <= 0:
			return false
		default:
			b = b[n:]
		}
	}
	return true
}

// receive reads one answer. It does not wait for the end of the connection.
func receive(fd int) (body []byte, ok bool) {
	read := make([]byte, 0, 8<<10)
	for {
		if body, whole, ok := answered(read); !ok {
			return nil, false
		} else if whole {
			return body, true
		}
		if len(read) == cap(read) {
			read = append(read, 0)[:len(read)]
		}
		n, err := syscall.Read(fd, read[len(read):cap(read)])
		switch {
		case err == syscall.EINTR:
		case err != nil || n <= 0: // it ended within an answer, or waited long enough
			return nil, false
		default:
			read = read[:len(read)+n]
		}
	}
}

// answered returns the body of an answer when it is there as a whole. Only a
// token is ok, in the form in which the daemon sends it; anything else comes
// from somebody whom webex-tokend has to look at.
func answered(read []byte) (body []byte, whole, ok bool) {
	const success = "HTTP/1.1 200 OK\r\n"
	if !bytes.HasPrefix(read, []byte(success)[:min(len(read), len(success))]) || len(read) > answerLimit {
		return nil, false, false
	}
	head, body, found := bytes.Cut(read, []byte("\r\n\r\n"))
	if !found {
		return nil, false, true
	}
	length, err := strconv.ParseUint(field(head, "Content-Length"), 10, 20)
	if err != nil || length == 0 {
		return nil, false, false
	}
	if uint64(len(body)) < length {
		return nil, false, true
	}
	return body[:length], true, true
}

// field is the value of a header field; empty: it is not there.
func field(head []byte, name string) string {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		key, value, found := bytes.Cut(line, []byte(":"))
		if found && bytes.EqualFold(key, []byte(name)) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
