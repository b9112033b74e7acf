// A server and a client of Go's standard library that tell each exchange as one line of JSON.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
)

type scene struct {
	Port        int      `json:"port"`
	Sni         string   `json:"sni"`
	Root        string   `json:"root"`
	Http        string   `json:"http"`
	Authorities []string `json:"authorities"`
	Concurrent  int      `json:"concurrent"`
	Chain       string   `json:"chain"`
	Key         string   `json:"key"`
	Refused     []string `json:"refused"`
}

type exchange struct {
	Client   string `json:"client"`
	Server   string `json:"server"`
	Sni      string `json:"sni"`
	Host     string `json:"host"`
	Status   int    `json:"status"`
	Method   string `json:"method"`
	Protocol string `json:"protocol"`
	Pid      int    `json:"pid"`
}

var telling sync.Mutex

func tell(one exchange) {
	line, _ := json.Marshal(one)
	telling.Lock()
	defer telling.Unlock()
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "hold" {
		io.Copy(io.Discard, os.Stdin)
		return
	}
	var scene scene
	must(json.Unmarshal([]byte(os.Getenv("SCENE")), &scene))
	switch os.Args[1] {
	case "server":
		serve(scene)
	case "writer":
		write(scene)
	default:
		ask(scene)
	}
}

func serve(scene scene) {
	address := fmt.Sprintf("127.0.0.1:%d", scene.Port)
	answer := func(out http.ResponseWriter, in *http.Request) {
		io.Copy(io.Discard, in.Body)
		status := 200
		name, _, found := strings.Cut(in.Host, ":")
		for _, refused := range scene.Refused {
			if name == refused || (!found && in.Host == refused) {
				status = 421
			}
		}
		out.WriteHeader(status)
		fmt.Fprintln(out, in.Host)
		tell(exchange{in.RemoteAddr, address, in.TLS.ServerName, in.Host, status, in.Method, in.Proto, os.Getpid()})
	}
	server := http.Server{Addr: address, Handler: http.HandlerFunc(answer)}
	must(server.ListenAndServeTLS(scene.Chain, scene.Key))
}

// Writes its first request without having asked for a handshake, on a stack that is as small as they begin.
func write(scene scene) {
	pem, err := os.ReadFile(scene.Root)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	address := fmt.Sprintf("127.0.0.1:%d", scene.Port)
	plain, err := net.Dial("tcp", address)
	must(err)
	secure := tls.Client(plain, &tls.Config{RootCAs: roots, ServerName: scene.Sni})
	answers := bufio.NewReader(secure)
	for _, authority := range scene.Authorities {
		written := make(chan error)
		go func() {
			_, err := secure.Write([]byte("GET / HTTP/1.1\r\nHost: " + authority + "\r\n\r\n"))
			written <- err
		}()
		must(<-written)
		answer, err := http.ReadResponse(answers, nil)
		must(err)
		io.Copy(io.Discard, answer.Body)
		tell(exchange{plain.LocalAddr().String(), address, scene.Sni, authority, answer.StatusCode, "GET", answer.Proto, os.Getpid()})
	}
	secure.Close()
}

func ask(scene scene) {
	pem, err := os.ReadFile(scene.Root)
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	address := fmt.Sprintf("127.0.0.1:%d", scene.Port)
	name := scene.Sni
	if name == "" {
		name = "127.0.0.1"
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: name},
		ForceAttemptHTTP2: scene.Http == "2",
		DialContext: func(context context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(context, network, address)
		},
	}
	if scene.Http != "2" {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	client := &http.Client{Transport: transport}
	one := func(number int, authority string) {
		method := []string{"GET", "POST", "HEAD"}[number%3]
		var body io.Reader
		if method == "POST" {
			body = strings.NewReader(strings.Repeat("x", 1+number%5000))
		}
		request, err := http.NewRequest(method, fmt.Sprintf("https://%s:%d/", name, scene.Port), body)
		must(err)
		request.Host = authority
		local := ""
		trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) { local = got.Conn.LocalAddr().String() }}
		answer, err := client.Do(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
		must(err)
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		tell(exchange{local, address, scene.Sni, authority, answer.StatusCode, method, answer.Proto, os.Getpid()})
	}
	// The first alone: it makes the connection that the others share.
	one(0, scene.Authorities[0])
	turns := make(chan struct{}, scene.Concurrent)
	var all sync.WaitGroup
	for number, authority := range scene.Authorities[1:] {
		turns <- struct{}{}
		all.Add(1)
		go func() {
			defer all.Done()
			one(number+1, authority)
			<-turns
		}()
	}
	all.Wait()
	transport.CloseIdleConnections()
}
