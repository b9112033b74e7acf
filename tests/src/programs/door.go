// A server that compares names, a reverse proxy of the standard library, and a client.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
)

type scene struct {
	Port   int    `json:"port"`
	Chain  string `json:"chain"`
	Key    string `json:"key"`
	Target string `json:"target"`
	Fixed  bool   `json:"fixed"`
	From   string `json:"from"`
	Sni    string `json:"sni"`
	Host   string `json:"host"`
	Path   string `json:"path"`
	Times  int    `json:"times"`
	Root   string `json:"root"`
	Keylog string `json:"keylog"`
	// The names that are served; none: all.
	Names []string `json:"names"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var scene scene
	must(json.Unmarshal([]byte(os.Getenv("SCENE")), &scene))
	switch os.Args[1] {
	case "server":
		serve(scene, http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) { answer(scene, out, in) }))
	case "proxy":
		serve(scene, proxy(scene))
	case "client":
		ask(scene)
	}
}

func serve(scene scene, handler http.Handler) {
	server := http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", scene.Port), Handler: handler}
	if scene.Keylog != "" {
		server.TLSConfig = &tls.Config{KeyLogWriter: keylog(scene)}
	}
	must(server.ListenAndServeTLS(scene.Chain, scene.Key))
}

// Two of its pages have reasons of their own for a 421.
func answer(scene scene, out http.ResponseWriter, in *http.Request) {
	name, _, err := net.SplitHostPort(in.Host)
	if err != nil {
		name = in.Host
	}
	switch {
	case in.URL.Path == "/cluster/write":
		out.Header().Set("Content-Type", "application/json")
		out.WriteHeader(http.StatusMisdirectedRequest)
		fmt.Fprintln(out, `{"error":"not the leader","leader":"node-2.cluster.internal:8443"}`)
	case in.URL.Path == "/tenant/elsewhere":
		out.Header().Set("Content-Type", "application/problem+json")
		out.WriteHeader(http.StatusMisdirectedRequest)
		fmt.Fprintln(out, `{"title":"This tenant lives in another region"}`)
	case in.TLS.ServerName != name || !serves(scene, name):
		http.Error(out, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
	default:
		fmt.Fprintln(out, "served")
	}
}

func serves(scene scene, name string) bool {
	return len(scene.Names) == 0 || slices.Contains(scene.Names, name)
}

func keylog(scene scene) io.Writer {
	file, err := os.OpenFile(scene.Keylog, os.O_APPEND|os.O_WRONLY, 0)
	must(err)
	return file
}

func proxy(scene scene) http.Handler {
	target, err := url.Parse(scene.Target)
	must(err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	if scene.Fixed {
		proxy = &httputil.ReverseProxy{Rewrite: func(request *httputil.ProxyRequest) { request.SetURL(target) }}
	}
	proxy.Transport = &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext:     dialer(scene),
	}
	return proxy
}

// Connects to loopback, whatever the name, from an address of its own.
func dialer(scene scene) func(context.Context, string, string) (net.Conn, error) {
	return func(context context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		must(err)
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(scene.From)}}
		return dialer.DialContext(context, "tcp4", "127.0.0.1:"+port)
	}
}

// The same request again and again, whatever the answer is.
func ask(scene scene) {
	pem, err := os.ReadFile(scene.Root)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, KeyLogWriter: keylog(scene)},
		ForceAttemptHTTP2: true,
		DialContext:       dialer(scene),
	}}
	statuses := []int{}
	for range scene.Times {
		request, err := http.NewRequest("GET", fmt.Sprintf("https://%s:%d%s", scene.Sni, scene.Port, scene.Path), nil)
		must(err)
		request.Host = fmt.Sprintf("%s:%d", scene.Host, scene.Port)
		answer, err := client.Do(request)
		must(err)
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		statuses = append(statuses, answer.StatusCode)
	}
	line, _ := json.Marshal(statuses)
	fmt.Println(string(line))
}
