package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
)

var types = map[string]uint16{"A": 1, "PTR": 12, "AAAA": 28, "SRV": 33}

// readQuestions returns a query for each line of a file, with RD and without EDNS, as a C library
// sends one (RFC 1035, 4.1). The names are absolute and have no escapes.
func readQuestions(path string) ([][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var questions [][]byte
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, kind, _ := strings.Cut(lines.Text(), " ")
		code, known := types[kind]
		if !known {
			return nil, fmt.Errorf("unknown type in %q", lines.Text())
		}
		questions = append(questions, query(name, code))
	}
	if len(questions) == 0 {
		return nil, errors.New("no questions in " + path)
	}
	return questions, lines.Err()
}

func query(name string, code uint16) []byte {
	message := []byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for _, label := range strings.Split(strings.TrimSuffix(name, "."), ".") {
		message = append(message, byte(len(label)))
		message = append(message, label...)
	}
	message = append(message, 0)
	message = binary.BigEndian.AppendUint16(message, code)
	return binary.BigEndian.AppendUint16(message, 1)
}
