// Command upstream is the name server behind the servers that are measured: it gives every question
// the same answer, over UDP and TCP, after a delay or not at all, and does as little as it can.
//
// It listens where it is told, ends by itself after --for, and at SIGTERM prints how many questions
// it was asked.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	waitingMost = 1 << 16 // replies held back by --delay; more are dropped
	bufferSize  = 4 << 20 // octets of a socket's buffers, where the system allows it
	idleTime    = 30 * time.Second
)

type server struct {
	answers  answers
	delay    time.Duration
	silent   bool
	waiting  atomic.Int64
	udpAsked atomic.Int64
	tcpAsked atomic.Int64
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("upstream: ")
	listen := flag.String("listen", "127.0.0.1:0", "address and port, for UDP and TCP")
	ttl := flag.Uint("ttl", 300, "TTL of every record, in seconds")
	nxdomain := flag.Bool("nxdomain", false, "say that no name exists")
	delay := flag.Duration("delay", 0, "how long to hold a reply back")
	silent := flag.Bool("silent", false, "read questions and never answer")
	lifetime := flag.Duration("for", 15*time.Minute, "when to end by itself")
	flag.Parse()

	s := &server{
		answers: answers{ttl: uint32(*ttl), nxdomain: *nxdomain},
		delay:   *delay,
		silent:  *silent,
	}
	if err := s.open(*listen); err != nil {
		log.Fatal(err)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-ended:
	case <-time.After(*lifetime):
	}
	fmt.Printf("udp %d tcp %d\n", s.udpAsked.Load(), s.tcpAsked.Load())
}

// open binds both transports to one port and starts to answer on them.
func (s *server) open(address string) error {
	where, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(where))
	if err != nil {
		return err
	}
	bound := udp.LocalAddr().(*net.UDPAddr).AddrPort()
	tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(bound))
	if err != nil {
		return err
	}
	// Best effort: the system caps what it grants.
	_ = udp.SetReadBuffer(bufferSize)
	_ = udp.SetWriteBuffer(bufferSize)
	go s.serveUDP(udp)
	go s.serveTCP(tcp)
	return nil
}

func (s *server) serveUDP(conn *net.UDPConn) {
	query, reply := make([]byte, 65535), make([]byte, 0, 1024)
	for {
		size, from, err := conn.ReadFromUDPAddrPort(query)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error of a client that has gone
		}
		s.udpAsked.Add(1)
		if s.silent {
			continue
		}
		reply = s.answers.appendReply(reply[:0], query[:size])
		if len(reply) == 0 {
			continue
		}
		if s.delay == 0 {
			_, _ = conn.WriteToUDPAddrPort(reply, from)
		} else if s.waiting.Add(1) > waitingMost {
			s.waiting.Add(-1)
		} else {
			held := append([]byte(nil), reply...)
			time.AfterFunc(s.delay, func() {
				s.waiting.Add(-1)
				_, _ = conn.WriteToUDPAddrPort(held, from)
			})
		}
	}
}

func (s *server) serveTCP(listener *net.TCPListener) {
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		go s.serveConnection(conn)
	}
}

// serveConnection answers the questions of one connection, each after its own delay (RFC 7766, 6.2.1.1).
func (s *server) serveConnection(conn *net.TCPConn) {
	defer conn.Close()
	var writing sync.Mutex
	for {
		_ = conn.SetReadDeadline(time.Now().Add(idleTime))
		query, err := readFramed(conn)
		if err != nil {
			return
		}
		s.tcpAsked.Add(1)
		reply := s.answers.appendReply(make([]byte, 2, 1024), query)
		if s.silent || len(reply) == 2 {
			continue
		}
		binary.BigEndian.PutUint16(reply, uint16(len(reply)-2))
		time.AfterFunc(s.delay, func() {
			writing.Lock()
			defer writing.Unlock()
			_, _ = conn.Write(reply)
		})
	}
}

func readFramed(from io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return nil, err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(from, query)
	return query, err
}
