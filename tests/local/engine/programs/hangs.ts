// Never yields, so that only a signal ends it.
for (;;);
