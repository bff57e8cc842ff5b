package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// askNew asks a person twice for a new secret, and a program once. what is such as
// "password".
func askNew(s streams, what string) (string, error) {
	first, err := askOnce(s, "New "+what, what)
	if err != nil || s.Ask == nil {
		return first, err
	}
	again, err := s.Ask("The same again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("these are not the same: nothing was changed")
	}
	return first, nil
}

// askOnce asks for a secret: on a terminal, or else in a line of the standard input.
func askOnce(s streams, prompt, what string) (string, error) {
	if s.Ask != nil {
		answer, err := s.Ask(prompt + ": ")
		if err == nil && answer == "" {
			err = fmt.Errorf("there is no %s: nothing was changed", what)
		}
		return answer, err
	}
	if s.In == nil {
		s.In = strings.NewReader("")
	}
	line, err := bufio.NewReader(s.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("there is no %s on the standard input", what)
	}
	return line, nil
}
