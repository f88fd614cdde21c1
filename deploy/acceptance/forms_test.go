package acceptance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// submit sends a form as a program does.
func submit(t testing.TB, url string, fields map[string]string) (status int, body string) {
	t.Helper()
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, url, "application/json", b)
}

func send(t testing.TB, url, kind string, body []byte) (status int, answer string) {
	t.Helper()
	res, err := http.Post(url, kind, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
