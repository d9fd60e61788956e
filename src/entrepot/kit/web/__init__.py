"""What every HTTP edge uses: problems, paging, uploads, event streams, pages. Knows nothing of commerce."""
