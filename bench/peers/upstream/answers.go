package main

import "encoding/binary"

// Numbers of RFC 1035, RFC 3596 and RFC 6891.
const (
	headerSize = 12
	typeA      = 1
	typeSOA    = 6
	typeAAAA   = 28
	typeOPT    = 41
	classIN    = 1
	nxdomain   = 3
	udpSize    = 1232
)

var (
	address4 = []byte{192, 0, 2, 1}                                               // RFC 5737
	address6 = []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1} // RFC 3849
	// An SOA with root names, serial 1 and all its times at 300 seconds.
	soa = []byte{0, 0, 0, 0, 0, 1, 0, 0, 1, 44, 0, 0, 1, 44, 0, 0, 1, 44, 0, 0, 1, 44}
)

// answers says what is answered: one address for A and AAAA, NODATA for every other type, or
// NXDOMAIN for all. Negative answers carry the root's SOA, so that they can be cached (RFC 2308).
type answers struct {
	ttl      uint32
	nxdomain bool
}

// appendReply appends the reply to a query, or nothing if it is not a query with one question.
func (a answers) appendReply(reply, query []byte) []byte {
	end := questionEnd(query)
	if end == 0 {
		return reply
	}
	start := len(reply)
	reply = append(reply, query[:end]...)
	header := reply[start : start+headerSize]
	header[2] = 0x80 | query[2]&0x79 // QR; OPCODE and RD as asked
	header[3] = 0x80 | query[3]&0x10 // RA; CD as asked
	clear(header[6:])
	qtype := binary.BigEndian.Uint16(query[end-4:])
	switch {
	case !a.nxdomain && qtype == typeA:
		header[7] = 1
		reply = a.appendRecord(append(reply, 0xc0, headerSize), typeA, address4)
	case !a.nxdomain && qtype == typeAAAA:
		header[7] = 1
		reply = a.appendRecord(append(reply, 0xc0, headerSize), typeAAAA, address6)
	default:
		header[9] = 1
		if a.nxdomain {
			header[3] |= nxdomain
		}
		reply = a.appendRecord(append(reply, 0), typeSOA, soa)
	}
	if hasOPT(query, end) {
		reply[start+11] = 1
		reply = append(reply, 0, 0, typeOPT, udpSize>>8, udpSize&0xff, 0, 0, 0, 0, 0, 0)
	}
	return reply
}

// appendRecord appends what follows a record's owner.
func (a answers) appendRecord(reply []byte, rtype uint16, rdata []byte) []byte {
	reply = binary.BigEndian.AppendUint16(reply, rtype)
	reply = binary.BigEndian.AppendUint16(reply, classIN)
	reply = binary.BigEndian.AppendUint32(reply, a.ttl)
	reply = binary.BigEndian.AppendUint16(reply, uint16(len(rdata)))
	return append(reply, rdata...)
}

// questionEnd returns the offset behind the only question, or 0 if there is not just one.
func questionEnd(query []byte) int {
	if len(query) < headerSize || query[2]&0x80 != 0 || query[4] != 0 || query[5] != 1 {
		return 0
	}
	at := headerSize
	for at < len(query) && query[at] != 0 {
		if query[at] > 63 {
			return 0
		}
		at += 1 + int(query[at])
	}
	if end := at + 5; end <= len(query) {
		return end
	}
	return 0
}

// hasOPT says whether an OPT record follows the question.
func hasOPT(query []byte, end int) bool {
	return query[11] > 0 && len(query) >= end+11 && query[end] == 0 && query[end+1] == 0 && query[end+2] == typeOPT
}
