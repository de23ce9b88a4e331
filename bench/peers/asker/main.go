// Command asker asks a server questions over UDP at a fixed rate and says how long answers took.
//
// A question is sent when its time has come, whether or not earlier ones were answered, so a server
// that stalls does not hide it by not being asked. A lookup ends when the kernel gets the answer,
// not when this program is scheduled to read it, so sharing a core does not count as latency.
// Nothing is asked again; what is lost counts as long as the timeout. It prints a line of JSON, at
// SIGTERM before its time.
package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
	"unsafe"
)

const (
	pause       = 100 * time.Microsecond // between two looks at the clock and the sockets
	bufferSize  = 4 << 20                // octets of a socket's buffers, where the system allows it
	timestampNS = 35                     // SO_TIMESTAMPNS of Linux: 64-bit seconds and nanoseconds
	noError     = 0
	nameError   = 3
)

// client is one socket; its questions have IDs of their own.
type client struct {
	fd   int
	next uint16
	sent [1 << 16]int64 // nanoseconds of the wall clock by ID; 0 where nothing is waited for
}

type asker struct {
	clients   []*client
	questions [][]byte
	timeout   time.Duration
	ended     chan os.Signal
	sent      int
	unsent    int
	lost      int
	codes     map[int]int
	took      []int64 // nanoseconds
	reply     [4096]byte
	beside    [128]byte
}

type report struct {
	AskedPerS float64            `json:"asked_per_s"`
	Answered  int                `json:"answered"`
	Denied    int                `json:"denied"`
	Failed    int                `json:"failed"`
	Lost      int                `json:"lost"`
	MS        map[string]float64 `json:"ms"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("asker: ")
	port := flag.Int("port", 53, "of loopback, to ask")
	file := flag.String("questions", "", "file of lines with a name and a type each")
	once := flag.Bool("once", false, "end when every question was asked")
	rate := flag.Float64("rate", 1000, "questions per second")
	seconds := flag.Float64("seconds", 5, "how long to ask")
	timeout := flag.Duration("timeout", 2*time.Second, "after this a question is lost")
	clients := flag.Int("clients", 4, "sockets to ask from")
	flag.Parse()

	questions, err := readQuestions(*file)
	if err != nil {
		log.Fatal(err)
	}
	a := &asker{
		questions: questions,
		timeout:   *timeout,
		ended:     make(chan os.Signal, 1),
		codes:     map[int]int{},
	}
	for range *clients {
		made, err := dial(*port)
		if err != nil {
			log.Fatal(err)
		}
		a.clients = append(a.clients, made)
	}
	signal.Notify(a.ended, syscall.SIGTERM, syscall.SIGINT)
	took := a.run(*rate, time.Duration(*seconds*float64(time.Second)), *once)
	if err := json.NewEncoder(os.Stdout).Encode(a.report(took)); err != nil {
		log.Fatal(err)
	}
}

// run asks until the time is over, or the questions if each is asked once, and returns how long it
// asked. It ends when the last answer is there or given up.
func (a *asker) run(rate float64, length time.Duration, once bool) time.Duration {
	most := int(rate * length.Seconds())
	if once && most > len(a.questions) {
		most = len(a.questions)
	}
	started := time.Now()
	for a.sent < most {
		passed := time.Since(started)
		if passed > length || len(a.ended) > 0 {
			break
		}
		for due := min(most, int(rate*passed.Seconds())); a.sent < due; a.sent++ {
			a.send(a.sent)
		}
		a.receive()
		time.Sleep(pause)
	}
	asked := time.Since(started)
	for deadline := time.Now().Add(a.timeout); time.Now().Before(deadline) && a.waiting() > 0; {
		a.receive()
		time.Sleep(pause)
	}
	a.lost += a.waiting()
	return asked
}

func (a *asker) send(number int) {
	c := a.clients[number%len(a.clients)]
	message := a.questions[number%len(a.questions)]
	ident := c.next
	c.next++
	binary.BigEndian.PutUint16(message, ident)
	if c.sent[ident] != 0 {
		a.lost++
	}
	c.sent[ident] = time.Now().UnixNano()
	if err := syscall.Sendto(c.fd, message, 0, nil); err != nil {
		a.unsent++ // nobody listens, or a buffer is full: it stays unanswered and is lost
	}
}

// receive takes what has arrived.
func (a *asker) receive() {
	for _, c := range a.clients {
		for {
			size, besideSize, _, _, err := syscall.Recvmsg(c.fd, a.reply[:], a.beside[:], 0)
			if errors.Is(err, syscall.EAGAIN) {
				break
			}
			if err != nil {
				continue // an earlier question met a closed port
			}
			a.take(c, a.reply[:size], a.beside[:besideSize])
		}
	}
}

func (a *asker) take(c *client, reply, beside []byte) {
	if len(reply) < 12 {
		return
	}
	ident := binary.BigEndian.Uint16(reply)
	sent := c.sent[ident]
	if sent == 0 {
		return
	}
	c.sent[ident] = 0
	took := arrival(beside) - sent
	if took > int64(a.timeout) {
		a.lost++ // whoever asked has given up
		return
	}
	a.codes[int(reply[3]&0xF)]++
	a.took = append(a.took, took)
}

func (a *asker) waiting() int {
	count := 0
	for _, c := range a.clients {
		for _, sent := range c.sent {
			if sent != 0 {
				count++
			}
		}
	}
	return count
}

func (a *asker) report(took time.Duration) report {
	good, denied := a.codes[noError], a.codes[nameError]
	for range a.lost {
		a.took = append(a.took, int64(a.timeout))
	}
	slices.Sort(a.took)
	ms := map[string]float64{}
	for name, share := range map[string]float64{"p50": .5, "p90": .9, "p99": .99, "p99.9": .999, "max": 1} {
		ms[name] = percentile(a.took, share)
	}
	answered := 0
	for _, count := range a.codes {
		answered += count
	}
	return report{float64(a.sent) / took.Seconds(), answered, denied, answered - good - denied, a.lost, ms}
}

// percentile returns the milliseconds that this share of the sorted values do not exceed.
func percentile(sorted []int64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(share*float64(len(sorted))+0.999999) - 1
	return float64(sorted[max(0, min(rank, len(sorted)-1))]) / 1e6
}

// arrival returns when the kernel got a datagram, in nanoseconds of the wall clock.
func arrival(beside []byte) int64 {
	messages, err := syscall.ParseSocketControlMessage(beside)
	if err == nil {
		for _, each := range messages {
			if each.Header.Level == syscall.SOL_SOCKET && each.Header.Type == timestampNS && len(each.Data) >= 16 {
				when := (*syscall.Timespec)(unsafe.Pointer(&each.Data[0]))
				return when.Nano()
			}
		}
	}
	return time.Now().UnixNano()
}

// dial opens a socket that never blocks and has the kernel note when datagrams arrive.
func dial(port int) (*client, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, timestampNS, 1); err != nil {
		return nil, fmt.Errorf("timestamps: %w", err)
	}
	// Best effort: the system caps what it grants.
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, bufferSize)
	where := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	return &client{fd: fd}, syscall.Connect(fd, where)
}
