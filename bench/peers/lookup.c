/* lookup: asks the C library for the addresses of names, as programs in a pod do.
 *
 *   lookup < names
 *
 * One name a line. For each it prints one line: the name, how long getaddrinfo took in microseconds,
 * the canonical name or "-", and the addresses with commas, or the library's words for the error.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { LONGEST_NAME = 1024 };

static long long microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static void print_address(const struct addrinfo *found)
{
	char text[INET6_ADDRSTRLEN] = "?";
	const void *address = found->ai_family == AF_INET
		? (const void *)&((struct sockaddr_in *)found->ai_addr)->sin_addr
		: (const void *)&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr;

	inet_ntop(found->ai_family, address, text, sizeof text);
	fputs(text, stdout);
}

static void look_up(const char *name)
{
	const struct addrinfo wanted = {
		.ai_flags = AI_CANONNAME, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM
	};
	struct addrinfo *first = NULL;
	long long began = microseconds();
	int error = getaddrinfo(name, NULL, &wanted, &first);
	long long took = microseconds() - began;

	if (error) {
		printf("%s %lld - %s\n", name, took, gai_strerror(error));
		return;
	}
	printf("%s %lld %s ", name, took, first->ai_canonname ? first->ai_canonname : "-");
	for (struct addrinfo *each = first; each; each = each->ai_next) {
		print_address(each);
		putchar(each->ai_next ? ',' : '\n');
	}
	freeaddrinfo(first);
}

int main(void)
{
	char line[LONGEST_NAME];

	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		look_up(line);
	}
	return 0;
}
