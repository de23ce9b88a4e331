/* relay: hands datagrams between a resolver and a server, each after a while, like a network.
 *
 *   relay PORT SERVER-PORT MICROSECONDS
 *
 * It listens on PORT of 127.0.0.1 and hands on to SERVER-PORT; both ways take MICROSECONDS. Replies
 * find their way back by the ID of the message, so a resolver must not have many in flight.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum { WAITING_MOST = 256, LARGEST = 4096 };

/* Both ways take the same time, so what came first goes first. */
struct waiting {
	long long due;
	int to_server;
	size_t size;
	unsigned char octets[LARGEST];
};

static struct waiting waiting[WAITING_MOST];
static unsigned first, count;
static struct sockaddr_in clients[1 << 16];
static int clients_side, server_side;

static long long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static unsigned ident(const unsigned char *octets)
{
	return (unsigned)octets[0] << 8 | octets[1];
}

static void take(int to_server, long long delay)
{
	struct waiting *taken = &waiting[(first + count) % WAITING_MOST];
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	ssize_t got = recvfrom(to_server ? clients_side : server_side, taken->octets, LARGEST, 0,
			       (struct sockaddr *)&from, &size);

	if (got < 12 || count == WAITING_MOST)
		return;
	if (to_server)
		clients[ident(taken->octets)] = from;
	taken->due = nanoseconds() + delay;
	taken->to_server = to_server;
	taken->size = (size_t)got;
	count++;
}

static void hand_on(void)
{
	struct waiting *each = &waiting[first];

	if (each->to_server)
		send(server_side, each->octets, each->size, 0);
	else
		sendto(clients_side, each->octets, each->size, 0,
		       (struct sockaddr *)&clients[ident(each->octets)], sizeof clients[0]);
	first = (first + 1) % WAITING_MOST;
	count--;
}

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)atoi(port));
	return address;
}

int main(int count_of_words, char **words)
{
	if (count_of_words != 4) {
		fputs("relay PORT SERVER-PORT MICROSECONDS\n", stderr);
		return 2;
	}
	struct sockaddr_in here = loopback(words[1]), server = loopback(words[2]);
	long long delay = atoll(words[3]) * 1000;

	clients_side = socket(AF_INET, SOCK_DGRAM, 0);
	server_side = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(clients_side, (struct sockaddr *)&here, sizeof here) ||
	    connect(server_side, (struct sockaddr *)&server, sizeof server)) {
		perror("relay");
		return 1;
	}
	prctl(PR_SET_TIMERSLACK, 1UL);
	for (;;) {
		struct pollfd sides[] = { { clients_side, POLLIN, 0 }, { server_side, POLLIN, 0 } };
		struct timespec rest = { 0, 0 };
		long long left = count ? waiting[first].due - nanoseconds() : 0;

		if (count && left <= 0) {
			hand_on();
			continue;
		}
		rest.tv_nsec = left;
		if (ppoll(sides, 2, count ? &rest : NULL, NULL) <= 0)
			continue;
		if (sides[0].revents)
			take(1, delay);
		if (sides[1].revents)
			take(0, delay);
	}
}
