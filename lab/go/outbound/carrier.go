package outbound

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"time"

	"plumbline.dev/lab/shop"
)

// addresses is where the other side serves what; the one line it says.
type addresses struct {
	// Plain is its host and port for HTTP/1.
	Plain string `json:"plain"`
	// TLS is its URL for HTTP/2.
	TLS string `json:"tls"`
	// Raw is its host and port for a protocol of lines.
	Raw string `json:"raw"`
}

// carrierAddress is the environment variable that tells the other side where to listen.
const carrierAddress = "LAB_CARRIER_ADDRESS"

// startCarrier runs the other side as a process of its own, on this address, and returns where it serves. It
// ends with this process: its standard input does.
func startCarrier(s *shop.Server, ip string) (addresses, error) {
	var where addresses
	own, err := os.Executable()
	if err != nil {
		return where, err
	}
	command := exec.CommandContext(s.Ctx, own, "-scenario", "outbound-carrier", "-db", "none")
	command.Env = append(os.Environ(), carrierAddress+"="+ip+":0")
	command.Stderr = os.Stderr
	if _, err := command.StdinPipe(); err != nil {
		return where, err
	}
	said, err := command.StdoutPipe()
	if err != nil {
		return where, err
	}
	if err := command.Start(); err != nil {
		return where, err
	}
	line, err := bufio.NewReader(said).ReadBytes('\n')
	if err != nil {
		return where, fmt.Errorf("the carrier did not start: %w", err)
	}
	go func() { _ = command.Wait() }()
	return where, json.Unmarshal(line, &where)
}

// elsewhere is an address of this host that is not its loopback one: there the kernel keeps TIME_WAIT as it
// does towards any other host.
func elsewhere() (string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, address := range all {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP.String(), nil
		}
	}
	return "", fmt.Errorf("not possible here: this host has no address besides loopback")
}

// tellCarrier serves /carrier, which says where the other side is: for whoever counts connections to it.
func tellCarrier(s *shop.Server, address string) {
	s.Handle("/carrier", func(w http.ResponseWriter, _ *http.Request) error {
		_, err := fmt.Fprintln(w, address)
		return err
	})
}

// Carrier is the other side itself.
func Carrier(*shop.Server) error {
	plain, err := net.Listen("tcp", os.Getenv(carrierAddress))
	if err != nil {
		return err
	}
	raw, err := net.Listen("tcp", os.Getenv(carrierAddress))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/rates/", rates)
	mux.HandleFunc("/label/", label)
	mux.HandleFunc("/track/", track)
	mux.HandleFunc("/slow-end/", slowEnd)
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(plain) }()
	go serveLines(raw)
	both := httptest.NewUnstartedServer(mux)
	both.EnableHTTP2 = true
	both.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	both.StartTLS()
	line, err := json.Marshal(addresses{Plain: plain.Addr().String(), TLS: both.URL, Raw: raw.Addr().String()})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
	return nil
}

// rates answers GET /rates/SKU with a price list, and 404 for anything named discontinued-*.
func rates(w http.ResponseWriter, r *http.Request) {
	article := strings.TrimPrefix(r.URL.Path, "/rates/")
	time.Sleep(5 * time.Millisecond)
	if strings.HasPrefix(article, "discontinued-") {
		http.Error(w, strings.Repeat("no carrier takes "+article+"\n", 20), http.StatusNotFound)
		return
	}
	for zone := 1; zone <= 40; zone++ {
		fmt.Fprintf(w, "%s zone %d: %d cents\n", article, zone, 400+zone*15)
	}
}

// labelBytes is more than a client reads ahead, and more than Go 1.27 reads on when a body is closed early.
const labelBytes = 600 << 10

// label answers with the picture of a parcel's label.
func label(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(5 * time.Millisecond)
	w.Header().Set("Content-Type", "image/x-portable-graymap")
	w.Header().Set("Content-Length", fmt.Sprint(labelBytes))
	picture := make([]byte, 16<<10)
	for sent := 0; sent < labelBytes; {
		part := picture
		if rest := labelBytes - sent; rest < len(part) {
			part = part[:rest]
		}
		n, err := w.Write(part)
		if err != nil {
			return
		}
		sent += n
	}
}

// track says where a parcel is, a line every second, for ever.
func track(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		fmt.Fprintf(w, "parcel %s: stop %d\n", strings.TrimPrefix(r.URL.Path, "/track/"), n)
		w.(http.Flusher).Flush()
		if strings.HasSuffix(r.URL.Path, "-quiet") {
			<-r.Context().Done()
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// slowEnd answers and then is busy for a moment with its own books, so that a client which closes after
// each answer is the first to close.
func slowEnd(w http.ResponseWriter, _ *http.Request) {
	time.Sleep(20 * time.Millisecond)
	const answer = "450 cents\n"
	w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	_, _ = io.WriteString(w, answer)
	w.(http.Flusher).Flush()
	time.Sleep(20 * time.Millisecond)
}

// serveLines answers each line with one: `hello` with welcome; `last` with farewell, and hangs up.
func serveLines(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			lines := bufio.NewScanner(conn)
			for lines.Scan() {
				if lines.Text() == "last" {
					fmt.Fprintln(conn, "farewell")
					return
				}
				fmt.Fprintln(conn, "welcome")
			}
		}()
	}
}
