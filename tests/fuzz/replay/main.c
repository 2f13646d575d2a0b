// SPDX-License-Identifier: MIT
/*
 * A fuzz target without a fuzzer: runs it once over every input file named, in folders too. For builds whose compiler has
 * no libFuzzer: coverage is counted by gcc.
 *
 *   build/host/cov/fuzz_NAME FILE|FOLDER...
 *
 * Interface: main(), and LLVMFuzzerMutate(), which changes nothing here.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static unsigned int inputs;

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	(void)data;
	(void)max;
	return size;
}

static void replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	inputs++;
}

static void replay_folder(const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort); /* the same order everywhere */

	if (n < 0) {
		replay_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		char whole[4096];

		snprintf(whole, sizeof(whole), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			replay_file(whole);
		free(names[i]);
	}
	free(names);
}

int main(int argc, char **argv)
{
	(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		replay_folder(argv[i]);
	printf("%u inputs\n", inputs);
	return 0;
}
