#include <string.h>
#include "words.h"

uint32_t text_crc(uint32_t crc, const char *text)
{
	for (crc = ~crc; *text; text++) {
		crc ^= (unsigned char)*text;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

void text_bar(char *to, size_t size, unsigned value, unsigned most)
{
	size_t length = most ? (size - 1) * value / most : 0;

	memset(to, '#', length);
	to[length] = 0;
}
