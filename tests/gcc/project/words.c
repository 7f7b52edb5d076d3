/* Words of syllables, some far more often than others. */
#include <string.h>
#include "words.h"

static const char *const syllable[] = { "ba", "ko", "ri", "tu", "les", "mon", "ar", "is", "ven", "do", "qua", "zy" };
#define SYLLABLES (sizeof syllable / sizeof *syllable)

static uint32_t roll(struct source *s)
{
	s->state = s->state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(s->state >> 33);
}

void word_next(struct source *s, char word[WORD_MAX])
{
	unsigned count = 1 + (roll(s) & 3) / 2 + (roll(s) % 7 == 0);

	word[0] = 0;
	while (count--) {
		uint32_t a = roll(s) % SYLLABLES, b = roll(s) % SYLLABLES;

		strcat(word, syllable[a < b ? a : b]);
	}
}
